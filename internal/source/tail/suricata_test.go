package tail

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"vedette/internal/source/sourcetest"
)

// TestSuricata has Suricata write eve.json while logrotate rotates it, and takes every line
// of it once, in order.
func TestSuricata(t *testing.T) {
	for name, debian := range map[string]string{"suricata": "suricata", "logrotate": "logrotate"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed (Debian: %s)", name, debian)
		}
	}
	if os.Getenv("VEDETTE_DATA") == "" {
		t.Skip("VEDETTE_DATA is not set: there is nothing for Suricata to look at")
	}
	found, _ := filepath.Glob(filepath.Join(os.Getenv("VEDETTE_DATA"), "network", "*", "*pcap*.tar.gz"))
	dir := t.TempDir()
	must(t, os.MkdirAll(dir+"/pcaps", 0o700))
	captures := unpack(t, found, 40)
	if len(captures) < 20 {
		t.Skipf("only %d captures are below VEDETTE_DATA", len(captures))
	}
	must(t, os.WriteFile(dir+"/suricata.yaml", []byte(`%YAML 1.1
---
pcap-file: {delay: 1, poll-interval: 1}
outputs:
  - eve-log: {enabled: yes, filetype: regular, filename: eve.json, types: [flow, dns, tls, http, files, ssh, smtp, anomaly, alert]}
`), 0o600))
	must(t, os.WriteFile(dir+"/logrotate", []byte(fmt.Sprintf(`%[1]s/eve.json {
  rotate 30
  compress
  delaycompress
  missingok
  su %[2]d %[3]d
  postrotate
    kill -HUP $(cat %[1]s/pid)
  endscript
}
`, dir, os.Getuid(), os.Getgid())), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := exec.CommandContext(ctx, "suricata", "-c", dir+"/suricata.yaml", "-l", dir, "-r", dir+"/pcaps", "--pcap-file-continuous", "--pcap-file-delete",
		"-S", "/dev/null", "-k", "none", "--pidfile", dir+"/pid", "--set", "default-rule-path="+dir)
	said := new(bytes.Buffer)
	c.Stdout, c.Stderr = said, said
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	must(t, c.Start())
	log := sourcetest.NewLog()
	f, err := newFeed([]byte("paths: [" + dir + "/eve.json]\npoll: 20ms\nsettle: 1s\n"))
	must(t, err)
	stop, done := (&sourcetest.Life{Log: log}).Start(t.Context(), f)
	for i, b := range captures {
		must(t, os.WriteFile(fmt.Sprintf("%s/new", dir), b, 0o600))
		must(t, os.Rename(dir+"/new", fmt.Sprintf("%s/pcaps/%02d.pcap", dir, i)))
		if i%13 == 12 {
			time.Sleep(1500 * time.Millisecond) // Suricata looks for captures now and then
			if out, err := exec.Command("logrotate", "-f", "-s", dir+"/status", dir+"/logrotate").CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		}
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if left, _ := os.ReadDir(dir + "/pcaps"); len(left) == 0 {
			break
		}
	}
	cancel()
	_ = c.Wait()
	want, files := written(t, dir)
	for end := time.Now().Add(30 * time.Second); len(log.Records()) < len(want) && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	stop()
	must(t, <-done)
	var got []string
	for _, r := range log.Records() {
		got = append(got, string(r.Data))
	}
	if len(want) < 500 || files < 3 {
		t.Fatalf("Suricata wrote %d lines to %d files: %s", len(want), files, said)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d lines of %d", len(got), len(want))
	}
	t.Logf("%d lines of %d files", len(got), files)
}

// written returns the lines of eve.json and of what it was rotated to, the oldest first.
func written(t *testing.T, dir string) (all []string, files int) {
	for i := 30; i >= 0; i-- {
		for _, name := range []string{fmt.Sprintf("%s/eve.json.%d.gz", dir, i), fmt.Sprintf("%s/eve.json.%d", dir, i), dir + "/eve.json"} {
			if strings.HasSuffix(name, ".json") && i > 0 {
				continue
			}
			b, err := os.ReadFile(name)
			if err != nil {
				continue
			}
			if files++; strings.HasSuffix(name, ".gz") {
				z, err := gzip.NewReader(bytes.NewReader(b))
				must(t, err)
				b, err = io.ReadAll(z)
				must(t, err)
			}
			all = append(all, strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")...)
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" }), files
}

// unpack returns the first captures that stand in archives.
func unpack(t *testing.T, archives []string, most int) (all [][]byte) {
	for _, a := range archives {
		f, err := os.Open(a)
		must(t, err)
		defer f.Close()
		z, err := gzip.NewReader(f)
		must(t, err)
		for r := tar.NewReader(z); len(all) < most; {
			h, err := r.Next()
			if err != nil {
				break
			}
			if strings.HasSuffix(h.Name, ".pcap") && h.Size < 1<<20 {
				b, err := io.ReadAll(r)
				must(t, err)
				all = append(all, b)
			}
		}
	}
	return all
}

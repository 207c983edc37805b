package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"vedette/internal/daemon"
)

// TestAuditVerify_broken changes the record behind the program's back, and sees it said.
func TestAuditVerify_broken(t *testing.T) {
	for name, test := range map[string]struct{ change, says string }{
		"changed":    {`UPDATE audit SET actor = 'nobody' WHERE seq = 3`, "entry 3 was changed"},
		"left_out":   {`DELETE FROM audit WHERE seq = 2`, "entry 2 is missing"},
		"cut":        {`DELETE FROM audit WHERE seq = 4`, "entry 4 is missing, and all after it"},
		"added":      {`INSERT INTO audit SELECT tenant, 5, time, actor, action, target, detail, hash, hash FROM audit WHERE seq = 4`, "entry 5"},
		"other_head": {`DELETE FROM audit WHERE seq = 4; UPDATE audit_heads SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3)`, "entry 3 carries a wrong seal"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			config := filepath.Join(dir, "vedette.yaml")
			if err := os.WriteFile(config, fmt.Appendf(nil, "data: %s\nconsole:\n  listen: 127.0.0.1:0\n", filepath.Join(dir, "data")), 0o600); err != nil {
				t.Fatal(err)
			}
			vedette := func(args ...string) (int, string, string) {
				var out, err bytes.Buffer
				code := run(t.Context(), append(args, "-c", config), streams{&out, &err})
				return code, out.String(), err.String()
			}
			first(t, config)
			for _, name := range []string{"anna", "bert"} { // two entries each
				if code, _, err := vedette("user", "invite", name, "--role", "administrator"); code != exitFine {
					t.Fatal(err)
				}
			}
			if code, out, err := vedette("audit", "verify"); code != exitFine || !strings.Contains(out, "all 4 entries") {
				t.Fatal(code, out, err)
			}
			db, err := sql.Open("sqlite", filepath.Join(dir, "data", "state", "state.db"))
			if err == nil {
				_, err = db.Exec(`DROP TRIGGER audit_kept; DROP TRIGGER audit_fixed; ` + test.change)
			}
			if err == nil {
				err = db.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			if code, out, err := vedette("audit", "verify"); code != exitFailed || !strings.Contains(out, "broken    "+test.says) || err != "" {
				t.Errorf("%d\n%s%s", code, out, err)
			}
		})
	}
}

// first has the program make its data folder.
func first(t *testing.T, config string) {
	t.Helper()
	c, err := daemon.Configure(config)
	if err != nil {
		t.Fatal(err)
	}
	d, err := daemon.Open(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

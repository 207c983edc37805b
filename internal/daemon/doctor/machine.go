package doctor

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"vedette/internal/daemon/host"
	"vedette/internal/fault"
)

// one returns one line.
func one(s State, do, format string, args ...any) []Line {
	return []Line{{State: s, Says: fmt.Sprintf(format, args...), Do: do}}
}

// program says what runs.
func program(s Subject) []Line {
	switch {
	case s.Facts != nil:
		return one(OK, "", "vedette %s runs since %s (process %d)", s.Facts.Version, s.Facts.Started.UTC().Format("15:04 UTC on 2 January"), s.Facts.PID)
	case fault.KindOf(s.Silent) == fault.Denied:
		return one(Watch, "Run this as root or as the user of the daemon.", "%v", s.Silent)
	case fault.KindOf(s.Silent) == fault.NotFound:
		return one(Watch, "Start it, or leave it if it is stopped on purpose. What only it knows is not checked.", "no daemon runs on %s", s.Config.Data)
	}
	return one(Act, "See its log.", "the daemon does not answer: %v", s.Silent)
}

// configuration checks who may change the configuration.
func configuration(s Subject) []Line {
	if s.File == "" {
		return one(OK, "", "no file is named, so everything has its default")
	}
	info, err := os.Stat(s.File)
	if err != nil {
		return one(Act, "Mend it, or the next start fails.", "%v", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		return one(Act, "chmod go-w "+s.File, "%s can be changed by others (%s)", s.File, info.Mode().Perm())
	}
	return one(OK, "", "%s can be read, and is right", s.File)
}

// folder checks the data folder and the keys in it.
func folder(s Subject) []Line {
	data := s.Config.Data
	info, err := os.Stat(data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return one(OK, "", "%s is not there yet; the first start makes it", data)
	case err != nil:
		return one(Watch, "Run this as root or as the user of the daemon.", "%v", err)
	case !info.IsDir():
		return one(Act, "Name another folder under data.", "%s is no folder", data)
	}
	if runtime.GOOS == "windows" {
		return one(OK, "", "%s is there; who may read it is not checked on this system", data)
	}
	var all []Line
	uid, _, known := host.Owner(data)
	for _, name := range []string{"", "state", "learned", "state/key", "learned/key", "state/state.db"} {
		path := filepath.Join(data, filepath.FromSlash(name))
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		if owner, _, ok := host.Owner(path); ok && known && owner != uid {
			all = append(all, one(Act, fmt.Sprintf("chown -R %d %s", uid, data), "%s belongs to user %d, and the folder to %d; the daemon cannot use both", path, owner, uid)...)
		}
		mode := fs.FileMode(0o700)
		if !info.IsDir() {
			mode = 0o600
		}
		if info.Mode().Perm()&^mode != 0 {
			all = append(all, one(Act, fmt.Sprintf("chmod %o %s", mode, path), "%s can be used by others (%s)", path, info.Mode().Perm())...)
		}
	}
	if _, err := os.Stat(filepath.Join(data, "restoring")); err == nil {
		all = append(all, one(Act, "Empty the folder and restore again.", "%s was left half restored", data)...)
	}
	if len(all) == 0 {
		return one(OK, "", "%s can be read by its owner alone", data)
	}
	return all
}

// Certificates are to be renewed in time.
const (
	soon   = 21 * 24 * time.Hour
	urgent = 3 * 24 * time.Hour
)

// certificate checks the certificate of the console.
func certificate(s Subject) []Line {
	c := s.Config.Console
	if c.Cert == "" {
		return nil
	}
	const renew = "Renew it, then vedette reload."
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return one(Act, "Mend console.cert and console.key, then vedette reload.", "%v", err)
	}
	leaf := pair.Leaf
	left := leaf.NotAfter.Sub(s.Now)
	var all []Line
	switch {
	case s.Now.Before(leaf.NotBefore):
		all = one(Act, "See whether the clock is right.", "%s holds only from %s on", c.Cert, day(leaf.NotBefore))
	case left <= 0:
		all = one(Act, renew, "%s expired on %s", c.Cert, day(leaf.NotAfter))
	case left <= urgent:
		all = one(Act, renew, "%s expires on %s", c.Cert, day(leaf.NotAfter))
	case left <= soon:
		all = one(Watch, renew, "%s expires on %s", c.Cert, day(leaf.NotAfter))
	}
	for _, h := range c.Hosts {
		if err := leaf.VerifyHostname(h); err != nil {
			all = append(all, one(Watch, "Have it made for this name too, or remove the name from console.hosts.", "%s: %v", c.Cert, err)...)
		}
	}
	if info, err := os.Stat(c.Key); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0 {
		all = append(all, one(Act, "chmod o= "+c.Key, "%s can be read by everybody (%s)", c.Key, info.Mode().Perm())...)
	}
	if len(all) == 0 {
		return one(OK, "", "good until %s", day(leaf.NotAfter))
	}
	return all
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// needed is how much room a disk should have beside what the event store may still take:
// for the log, the state and snapshots.
const needed = 2 << 30

// disk compares the room that there is with what may be needed.
func disk(s Subject) []Line {
	free, ok := host.Free(nearest(s.Config.Data))
	if !ok {
		return nil
	}
	if free < needed/4 {
		return one(Act, "Make room now: at 0 nothing more is taken in.", "%s are free on the disk of %s", bytes(free), s.Config.Data)
	}
	var stored int64
	rate := 0.0 // bytes a day
	if f := s.Facts; f != nil {
		stored = f.Stored
		if span := f.To.Sub(f.From); span > 6*time.Hour {
			rate = float64(f.Stored) / span.Hours() * 24
		}
	}
	grow := s.Config.Keep.Disk - stored // what the budget still allows
	expects := fmt.Sprintf("%s are free", bytes(free))
	if rate > 0 {
		keep := time.Duration(s.Config.Keep.Days) * 24 * time.Hour
		if most := int64(rate*keep.Hours()/24) - stored; s.Config.Keep.Disk == 0 || most < grow {
			grow = most
		}
		expects += fmt.Sprintf("; events take %s a day", bytes(int64(rate)))
		if left := float64(free-needed) / rate; grow > free-needed {
			st := Watch
			if left < 3 {
				st = Act
			}
			return one(st, "Lower keep.days or keep.disk, then vedette reload; or give the disk more room.",
				"%s, and there is room for %.0f days more before keep.days or keep.disk take effect", expects, max(left, 0))
		}
		return one(OK, "", "%s, and %s at most will be wanted", expects, bytes(max(grow, 0)))
	}
	if s.Config.Keep.Disk > 0 && grow > free-needed {
		return one(Watch, "Lower keep.disk, then vedette reload; or give the disk more room.", "%s, and keep.disk allows events %s more", expects, bytes(grow))
	}
	return one(OK, "", "%s", expects)
}

// nearest returns the folder, or what is above it, that is there.
func nearest(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

func bytes(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}} {
		if n >= u.size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.size), u.name)
		}
	}
	return fmt.Sprintf("%d kB", n/1000)
}

// jumpy is by how much a clock may be moved at once before that is worth saying.
const jumpy = 2 * time.Second

// clock checks the clock of the machine.
func clock(s Subject) []Line {
	if f := s.Facts; f != nil && f.Jumped.Abs() >= jumpy {
		return one(Watch, "See what sets it. Times of events are those of the sensors, so nothing was lost; a sensor on this machine may have been wrong, too.",
			"it jumped by %s at %s", f.Jumped.Round(time.Millisecond), f.JumpedAt.UTC().Format("15:04:05 UTC on 2 January"))
	}
	c := host.SystemClock()
	switch {
	case !c.Known:
		return nil
	case !c.Synchronised:
		return one(Watch, "Run chrony or systemd-timesyncd, here and on the sensors. In a container the host does it, and this may not show.", "the kernel says that nothing keeps it right")
	}
	return one(OK, "", "it is kept right, to within %s", c.Error.Round(time.Millisecond))
}

// Events may be ahead of the clock by a little, for clocks differ.
const ahead = time.Minute

// eventTimes compares the times of events with the clock.
func eventTimes(s Subject) (all []Line) {
	if s.Facts == nil {
		return nil
	}
	for _, src := range s.Facts.Sources {
		if src.Ahead > ahead {
			all = append(all, one(Watch, "Set the clock of that sensor; see whether it writes times with their zone.",
				"%s is %s ahead of this machine", src.Name, src.Ahead.Round(time.Second))...)
		}
	}
	return all
}

// Limits that are enough.
const (
	openFiles = 4096
	memory    = 1 << 30
	receive   = 4 << 20 // of a socket for syslog; as source/syslog asks for
)

// kernel checks what the kernel allows.
func kernel(s Subject) (all []Line) {
	if n, ok := host.Files(); ok && n < openFiles {
		all = append(all, one(Watch, fmt.Sprintf("Set LimitNOFILE=%d in the unit, or ulimit -n %d.", 4*openFiles, 4*openFiles), "at most %d files may be open at a time", n)...)
	}
	if n, ok := host.Memory(); ok && n < memory {
		all = append(all, one(Watch, "Give it more, or watch fewer machines.", "there are %s of memory; 1 GB serves about 1,000 machines", bytes(n))...)
	}
	if n, setting, ok := host.ReceiveBuffer(); ok && n < receive && datagrams(s) {
		all = append(all, one(Watch, fmt.Sprintf("sysctl -w %s=%d, and the same in /etc/sysctl.d", setting, receive),
			"the kernel grants a socket %d kB, so bursts of syslog over UDP may be lost; what is lost is counted", n>>10)...)
	}
	if len(all) == 0 {
		return one(OK, "", "its limits are enough")
	}
	return all
}

// datagrams reports whether a source listens on UDP.
func datagrams(s Subject) bool {
	for _, f := range s.Config.Feeds {
		if f.Kind == "syslog" && strings.Contains(string(f.Part), "udp:") {
			return true
		}
	}
	return false
}

// people says whether the console stands open to nobody yet.
func people(s Subject) []Line {
	if s.Facts == nil {
		return nil
	}
	if s.Facts.Strangers {
		host, _, err := net.SplitHostPort(s.Config.Console.Listen)
		if err != nil {
			host = s.Config.Console.Listen
		}
		return one(Watch, "Open the link that the log shows at the start; it holds for a day, and the next start prints another.", "nobody can sign in to the console on %s yet", host)
	}
	return one(OK, "", "there is an administrator")
}

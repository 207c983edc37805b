package daemon

import (
	"context"
	"net"
	"os"
	"strconv"
	"time"
)

// tell tells the service manager how the program does, if it was started by one that wants
// to know; see sd_notify(3). That it could not be told changes nothing.
func tell(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"}) // "@" stands for the abstract name space
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = c.Write([]byte(state))
}

// reloading is what is told when the configuration is read again. The time is that of
// CLOCK_MONOTONIC, by which the service manager knows which reload is meant.
func reloading() string {
	return "RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(monotonic().Microseconds(), 10)
}

// watchdog tells the service manager again and again that the program is alive, as long as
// alive says so within the time that it gives; see WatchdogSec= in systemd.service(5).
func watchdog(ctx context.Context, alive func(within time.Duration, now time.Time) bool) {
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if pid := os.Getenv("WATCHDOG_PID"); err != nil || usec <= 0 || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return
	}
	within := time.Duration(usec) * time.Microsecond
	t := time.NewTicker(within / 3)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			if alive(within, now) {
				tell("WATCHDOG=1")
			}
		}
	}
}

// Package control is how the verbs of the program speak with the daemon that runs on the
// same data folder: HTTP/1.1 on a socket in that folder.
//
// The socket has a name in the file system and no port, so nobody can reach it over a
// network, and no browser can. Only its owner may open it (mode 0600, in a folder of mode
// 0700), and who connects is asked of the kernel: it answers the user that the daemon runs as,
// and root. There is nothing to sign in with, since whoever is one of those two can read
// the data folder anyway.
//
// Where the system cannot say who connects, the socket is absent, and verbs say so.
package control

import (
	"context"
	"io"
	"path/filepath"
	"time"

	"vedette/internal/daemon/doctor"
)

// Path returns where the socket of a data folder is.
func Path(data string) string { return filepath.Join(data, "control.sock") }

// longest is how long the path of a socket may be: sun_path of sockaddr_un has 104 bytes on
// BSD and macOS, 108 on Linux, and ends with a zero.
const longest = 103

// Daemon is what answers.
type Daemon interface {
	// Facts says how it does.
	Facts(ctx context.Context) (doctor.Facts, error)
	// Reload reads the configuration again, and applies what can be while it runs. When the file
	// is wrong nothing is applied.
	Reload(ctx context.Context) (Reloaded, error)
	// Backup writes a backup.
	Backup(ctx context.Context, to io.Writer, keys bool) error
}

// Reloaded is what became of a configuration that was read again.
type Reloaded struct {
	Applied []string `json:"applied"` // keys that changed and hold now, such as "keep.days"
	Restart []string `json:"restart"` // keys that changed and hold from the next start on
}

// Of requests and answers.
const (
	factsPath  = "/facts"
	reloadPath = "/reload"
	backupPath = "/backup"
	// failed is the trailer that says why an answer that had begun was not finished.
	failed = "Vedette-Failed"
	// ended is the trailer of one that was.
	ended = "Vedette-Ended"

	mostHeader  = 8 << 10
	mostAnswer  = 16 << 20 // but of backups
	most        = 8        // connections at a time
	answerWait  = 30 * time.Second
	headerWait  = 5 * time.Second
	backupStall = 2 * time.Minute // a reader that takes nothing for so long is given up
)

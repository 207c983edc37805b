package control

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// canTell says that the system tells who has connected.
const canTell = true

// peer returns the user that has connected (LOCAL_PEERCRED, see unix(4)).
func peer(c *net.UnixConn) (uid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	var who *unix.Xucred
	var asked error
	err = raw.Control(func(fd uintptr) { who, asked = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED) })
	if err = errors.Join(err, asked); err != nil {
		return -1, err
	}
	return int(who.Uid), nil
}

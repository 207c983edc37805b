//go:build !linux && !darwin

package control

import (
	"errors"
	"net"
)

// canTell says that the system tells who has connected.
const canTell = false

func peer(*net.UnixConn) (uid int, err error) { return -1, errors.ErrUnsupported }

//go:build !linux

package main

import (
	"errors"
	"os"
	"os/exec"
)

// pinned returns the command as it is: GOMAXPROCS must do.
func pinned(name string, args []string) (string, []string) { return name, args }

// asNobody is not possible here.
func asNobody(*exec.Cmd) error { return errors.ErrUnsupported }

// watchPeak does not know.
func watchPeak(int) func(*os.ProcessState) int64 {
	return func(*os.ProcessState) int64 { return 0 }
}

// freeSpace does not know, and hopes.
func freeSpace(string) (int64, error) { return 1 << 62, nil }

// makePipe is not possible here.
func makePipe(string) error { return errors.ErrUnsupported }

// profile is not possible here.
func (d *daemon) profile() error { return errors.ErrUnsupported }

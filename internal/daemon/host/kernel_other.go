//go:build !linux

package host

// SystemClock is not known here.
func SystemClock() Clock { return Clock{} }

// ReceiveBuffer is not known here.
func ReceiveBuffer() (size int64, setting string, ok bool) { return 0, "", false }

// Memory is not known here.
func Memory() (limit int64, ok bool) { return 0, false }

// Opened is not known here.
func Opened() (int, bool) { return 0, false }

// Resident is not known here.
func Resident(int) (int64, bool) { return 0, false }

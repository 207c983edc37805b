//go:build !linux && !darwin

package host

// Free is not known here.
func Free(string) (int64, bool) { return 0, false }

// Owner is not known here.
func Owner(string) (uid, gid int, ok bool) { return 0, 0, false }

// Files is not known here.
func Files() (uint64, bool) { return 0, false }

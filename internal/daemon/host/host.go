// Package host says what the machine is like that the daemon runs on: room on disks, who
// owns what, limits of the kernel, whether its clock is kept right. It reads, and changes
// nothing. What a system does not tell is not known, which is no error.
package host

import "time"

// Clock is how the kernel's clock is kept.
type Clock struct {
	Known        bool          // whether the system tells
	Synchronised bool          // something such as NTP keeps it right
	Error        time.Duration // by how much it may be wrong, as the kernel reckons
}

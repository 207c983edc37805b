package eve

// other keeps a record of a type that has no event of its own, with all its fields.
func (d *decoder) other() {
	e, _ := d.emit.Other(d.head.time)
	d.fill(e)
	d.common()
}

// stats keeps a few of a sensor's hundreds of counters: whether it runs, what it gets
// and what it loses.
func (d *decoder) stats() bool {
	o := d.take("stats")
	if o == nil {
		return false
	}
	e, _ := d.emit.Other(d.head.time)
	d.fill(e)
	if v := o.Get("uptime"); v != nil {
		d.keep("stats", []byte("uptime"), v)
	}
	for _, name := range [...]string{"kernel_packets", "kernel_drops"} {
		if v := get(sub(o, "capture"), name); v != nil {
			d.keep("stats.capture", []byte(name), v)
		}
	}
	if v := get(sub(o, "decoder"), "pkts"); v != nil {
		d.keep("stats.decoder", []byte("pkts"), v)
	}
	d.remains()
	return true
}

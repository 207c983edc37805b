package eve

import (
	"bytes"

	"github.com/valyala/fastjson"

	"vedette/internal/decode"
	"vedette/internal/event"
)

// fileEvent begins a file activity.
func (d *decoder) fileEvent(protocol, action string) *event.File {
	e, f := d.emit.File(d.head.time)
	d.fill(e)
	f.Protocol = d.emit.Text([]byte(protocol))
	f.Action = d.emit.Text([]byte(action))
	return f
}

func (d *decoder) fileName(f *event.File, name []byte) { decode.FileName(f, d.emit, name) }

// fileinfo makes an event of a file that was seen on its way. The addresses are those of
// the sender and the receiver, so whichever is the server must be worked out.
func (d *decoder) fileinfo() bool {
	o := d.take("fileinfo")
	if o == nil {
		return false
	}
	toServer := d.toServer()
	if !toServer {
		d.turn()
	}
	d.over()
	protocol := d.head.app
	switch string(protocol) {
	case "ftp-data":
		protocol = []byte("ftp")
	case "http2":
		protocol = []byte("http")
	}
	f := d.fileEvent(string(protocol), "transfer")
	if toServer {
		f.ToServer = 1
	}
	o.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "filename":
			d.fileName(f, str(v))
		case "size":
			f.Size = num(v)
		case "md5":
			f.MD5 = d.emit.Text(str(v))
		case "sha1":
			f.SHA1 = d.emit.Text(str(v))
		case "sha256":
			f.SHA256 = d.emit.Text(str(v))
		default:
			d.keep("fileinfo", key, v)
		}
	})
	if h := d.peek("http"); h != nil && !toServer {
		f.Type = d.emit.Text(mediaType(str(h.Get("http_content_type"))))
	}
	d.common()
	return true
}

// toServer reports whether the sender of a file is the client.
func (d *decoder) toServer() bool {
	h := &d.head
	if o := d.peek("ftp_data"); o != nil { // the ports of a data connection say nothing
		return string(str(o.Get("command"))) != "RETR"
	}
	if o := d.peek("nfs"); o != nil {
		return string(str(o.Get("procedure"))) == "WRITE"
	}
	switch string(h.app) {
	case "smtp":
		return true
	case "http", "http2":
		if o := d.peek("http"); o != nil {
			if p := port(o.Get("http_port")); p != 0 && (p == h.srcPort) != (p == h.destPort) {
				return p == h.destPort
			}
			switch string(str(o.Get("http_method"))) {
			case "GET", "HEAD", "OPTIONS":
				return false
			}
		}
	case "smb":
		if (h.srcPort == 445) != (h.destPort == 445) {
			return h.destPort == 445
		}
	}
	return h.destPort < h.srcPort // clients take high ports
}

// ftpData makes an event of the connection that carries a file.
func (d *decoder) ftpData() bool {
	o := d.take("ftp_data")
	if o == nil {
		return false
	}
	command := str(o.Get("command"))
	action, toServer := ftpAction(command)
	if action == "" {
		action = "transfer"
	}
	if d.head.srcPort == 20 {
		d.turn() // in active mode the server opens the connection
	}
	d.over()
	f := d.fileEvent("ftp", action)
	f.ToServer = toServer
	d.fileName(f, str(o.Get("filename")))
	o.Visit(func(key []byte, v *fastjson.Value) {
		if string(key) != "filename" {
			d.keep("ftp_data", key, v)
		}
	})
	d.common()
	return true
}

func ftpAction(command []byte) (action string, toServer uint8) {
	switch string(command) {
	case "RETR":
		return "read", 0
	case "STOR", "STOU", "APPE":
		return "write", 1
	case "DELE", "RMD", "XRMD":
		return "delete", 0
	case "RNFR", "RNTO":
		return "rename", 0
	case "MKD", "XMKD":
		return "create", 0
	}
	return "", 0
}

// tftp makes an event of a request, which anyone can send in anyone's name.
func (d *decoder) tftp() bool {
	o := d.take("tftp")
	if o == nil {
		return false
	}
	action := str(o.Get("packet"))
	f := d.fileEvent("tftp", string(action))
	if string(action) == "write" {
		f.ToServer = 1
	}
	d.fileName(f, str(o.Get("file")))
	d.add("tftp.mode", str(o.Get("mode")))
	d.common()
	return true
}

// nfs makes an event of a call with its answer.
func (d *decoder) nfs() bool {
	o := d.take("nfs")
	if o == nil {
		return false
	}
	d.orient(2049)
	d.over()
	procedure := str(o.Get("procedure"))
	f := d.fileEvent("nfs", "")
	f.Action = d.emit.Text(d.nfsAction(procedure))
	if string(procedure) == "WRITE" {
		f.ToServer = 1
	}
	o.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "filename":
			if f.Name.Length == 0 {
				d.fileName(f, str(v))
			}
		case "rename":
			d.fileName(f, v.GetStringBytes("to")) // the name it has now
			d.keep("nfs", key, v)
		default:
			d.keep("nfs", key, v)
		}
	})
	d.common()
	return true
}

func (d *decoder) nfsAction(procedure []byte) []byte {
	switch string(procedure) {
	case "REMOVE", "RMDIR":
		return []byte("delete")
	case "MKDIR", "MKNOD", "SYMLINK", "LINK":
		return []byte("create")
	}
	return d.lower(procedure)
}

// smb makes a file activity of a command on a file or share, an attempt to sign in of a
// session set up, and an event without a body of the rest.
func (d *decoder) smb() bool {
	o := d.take("smb")
	if o == nil {
		return false
	}
	d.over()
	command := str(o.Get("command"))
	done := false
	switch action := d.smbAction(command, o); {
	case bytes.Contains(command, []byte("SESSION_SETUP")):
		done = d.ntlm(o)
	case action != nil:
		f := d.fileEvent("smb", string(action))
		d.smbFile(f, o)
		done = true
	}
	if !done {
		e, _ := d.emit.Other(d.head.time)
		d.fill(e)
	}
	o.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "filename", "share", "size":
		case "created", "accessed", "modified", "changed": // times of the file, zero mostly
		default:
			d.keep("smb", key, v)
		}
	})
	d.common()
	return true
}

func (d *decoder) smbFile(f *event.File, o *fastjson.Object) {
	f.Share = d.emit.Text(str(o.Get("share")))
	if pipe := str(o.Get("named_pipe")); f.Share == 0 {
		f.Share = d.emit.Text(pipe)
	}
	f.Size = num(o.Get("size"))
	d.fileName(f, str(o.Get("filename")))
	if to := o.Get("rename").GetStringBytes("to"); len(to) > 0 {
		d.fileName(f, to)
	}
	if bytes.Contains(str(o.Get("command")), []byte("WRITE")) {
		f.ToServer = 1
	}
}

// smbAction returns what a command does to a file or share; nil if it does nothing to
// one. A call of DCE/RPC through a pipe is no activity of files.
func (d *decoder) smbAction(command []byte, o *fastjson.Object) []byte {
	if sub(o, "dcerpc") != nil {
		return nil
	}
	has := func(word string) bool { return bytes.Contains(command, []byte(word)) }
	switch {
	case o.Get("rename") != nil || has("RENAME"):
		return []byte("rename")
	case string(str(o.Get("access"))) == "delete on close" || has("COMMAND_DELETE"):
		return []byte("delete")
	case has("CREATE") || has("OPEN"):
		switch string(str(o.Get("disposition"))) {
		case "FILE_CREATE":
			return []byte("create")
		case "FILE_SUPERSEDE", "FILE_OVERWRITE", "FILE_OVERWRITE_IF":
			return []byte("write") // what was in it is gone
		}
		return []byte("open")
	case has("READ"):
		return []byte("read")
	case has("WRITE"):
		return []byte("write")
	case has("TREE_CONNECT"):
		return []byte("tree_connect")
	case len(str(o.Get("filename"))) > 0:
		_, word, _ := bytes.Cut(command, []byte("_COMMAND_"))
		if len(word) == 0 {
			word = command
		}
		return d.lower(word)
	}
	return nil
}

package event

import "vedette/internal/text"

// File is something done to a file over the network, or a file seen on its way. OCSF
// 1001, File System Activity, as the network shows it. File names may name patients, so
// only the extension, length and hash of a name are kept.
type File struct {
	Protocol  text.Ref // "smb", "ftp", "http", "smtp", "nfs"
	Action    text.Ref // "open", "read", "write", "rename", "delete", "transfer", or the sensor's word
	Share     text.Ref // the share or tree
	Extension text.Ref // lower case, at most 16 letters and digits; empty if there is none
	Type      text.Ref // media type
	MD5       text.Ref // hex
	SHA1      text.Ref
	SHA256    text.Ref
	Name      Blind
	Size      uint64
	ToServer  uint8 // 1 if the content went to the server
	Spare     [7]uint8
}

// File lends a file activity.
func (e *Emit) File(at int64) (*Envelope, *File) { return lend(e, FileType, at, &e.batch.Files) }

// File returns the body of a file activity.
func (v View) File() *File { return &v.Batch.Files[v.Head().Row] }

func (f *File) texts(move func(*text.Ref)) {
	move(&f.Protocol)
	move(&f.Action)
	move(&f.Share)
	move(&f.Extension)
	move(&f.Type)
	move(&f.MD5)
	move(&f.SHA1)
	move(&f.SHA256)
}

package zeek

import (
	"bytes"

	"vedette/internal/decode"
	"vedette/internal/entity"
	"vedette/internal/event"
)

// files is a file seen in a connection. Until Zeek 5 it says who sent and who received;
// since then, whose connection it was.
func files(r *record, at int64) error {
	h, f := r.emit.File(at)
	if err := r.head(h); err != nil {
		return err
	}
	f.ToServer = r.one(cIsOrig)
	if h.Subject.Key == 0 && h.Object.Key == 0 {
		sender, ok1 := r.machine(r.first(cTxHosts))
		receiver, ok2 := r.machine(r.first(cRxHosts))
		if !ok1 || !ok2 {
			return badAddress
		}
		if h.Subject, h.Object = receiver, sender; f.ToServer == 1 {
			h.Subject, h.Object = sender, receiver
		}
	}
	if local := r.flag(cLocalOrig); f.ToServer == 1 { // local_orig is of the sender
		h.Subject.Local = local
	} else {
		h.Object.Local = local
	}
	f.Protocol = r.lowerRef(cSource)
	f.Action = r.emit.Text([]byte("transfer"))
	f.Type = r.put(cMimeType)
	f.MD5, f.SHA1, f.SHA256 = r.put(cMD5), r.put(cSHA1), r.put(cSHA256)
	decode.FileName(f, r.emit, r.text(cFilename))
	if f.Size = r.count(cTotalBytes); f.Size == 0 || string(r.peek(cTotalBytes)) == string(r.peek(cSeenBytes)) {
		f.Size = r.count(cSeenBytes)
	}
	r.drop(cTxHosts, cRxHosts)
	r.dropFalse(cDepth, cTimedout, cOverflowBytes, cMissingBytes, cExtractedCutoff)
	return nil
}

func smbFiles(r *record, at int64) error {
	h, f := r.emit.File(at)
	if err := r.head(h); err != nil {
		return err
	}
	r.emit.Trust(event.Handshake)
	f.Protocol = r.emit.Text([]byte("smb"))
	action := r.text(cAction)
	f.Action = r.emit.Text(smbAction(action))
	if string(action) == "SMB::FILE_WRITE" || string(action) == "SMB::PRINT_WRITE" {
		f.ToServer = 1
	}
	share, name := r.text(cPath), r.text(cName)
	f.Share = r.emit.Text(share)
	f.Size = r.count(cSize)
	decode.FileName(f, r.emit, name)
	if pipe := knownPipe(r.lowered(name)); len(pipe) > 0 {
		r.emit.Extra([]byte("named_pipe"), pipe)
	}
	return nil
}

// smbAction returns an action in the words of event.File, or in Zeek's, shortened.
func smbAction(action []byte) []byte {
	switch string(action) {
	case "SMB::FILE_OPEN":
		return []byte("open")
	case "SMB::FILE_READ":
		return []byte("read")
	case "SMB::FILE_WRITE":
		return []byte("write")
	case "SMB::FILE_RENAME":
		return []byte("rename")
	case "SMB::FILE_DELETE":
		return []byte("delete")
	}
	return bytes.TrimPrefix(action, []byte("SMB::"))
}

// knownPipe returns the name of a pipe if it is one of those that Windows services have.
// They are no names of files, and say what somebody does to a machine from afar.
func knownPipe(name []byte) []byte {
	if i := bytes.LastIndexByte(name, '\\'); i >= 0 {
		name = name[i+1:]
	}
	switch string(name) {
	case "svcctl", "atsvc", "samr", "lsarpc", "lsass", "netlogon", "winreg", "srvsvc", "wkssvc", "spoolss", "epmapper",
		"browser", "eventlog", "ntsvcs", "efsrpc", "netdfs", "protected_storage", "drsuapi", "initshutdown", "tapsrv",
		"trkwks", "w32time", "psexesvc", "paexec", "remcom_communicaton", "msagent", "postex", "msse", "status":
		return name
	}
	return nil
}

// smbMapping is a share that is opened.
func smbMapping(r *record, at int64) error {
	h, f := r.emit.File(at)
	if err := r.head(h); err != nil {
		return err
	}
	r.emit.Trust(event.Handshake)
	f.Protocol, f.Action = r.emit.Text([]byte("smb")), r.emit.Text([]byte("tree_connect"))
	f.Share = r.put(cPath)
	return nil
}

// ftpAction returns what a command does to a file, or nothing.
func ftpAction(command []byte) string {
	switch string(command) {
	case "RETR":
		return "read"
	case "STOR", "STOU", "APPE":
		return "write"
	case "DELE", "RMD", "XRMD":
		return "delete"
	case "RNFR", "RNTO":
		return "rename"
	case "MKD", "XMKD":
		return "create"
	}
	return ""
}

func ftpFile(r *record, at int64, action string) error {
	h, f := r.emit.File(at)
	if err := r.head(h); err != nil {
		return err
	}
	r.emit.Trust(event.Handshake)
	f.Protocol, f.Action = r.emit.Text([]byte("ftp")), r.emit.Text([]byte(action))
	if action == "write" {
		f.ToServer = 1
	}
	decode.FileName(f, r.emit, r.text(cArg))
	f.Type, f.Size = r.put(cMimeType), r.count(cFileSize)
	// Where the bytes went, conn has.
	r.drop(cCommand, cDataChannelPassive, cDataChannelOrigH, cDataChannelRespH, cDataChannelRespP)
	return nil
}

// pe is a Windows program that was seen as a file; fuid and id name the file.
func pe(r *record, at int64) error {
	h, o := r.emit.Other(at)
	r.base(h)
	o.Message = r.emit.Text(r.peek(cMachine))
	h.Object = entity.Ref{}
	return nil
}

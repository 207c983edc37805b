package event

import "vedette/internal/text"

// Logon is an attempt to sign in. OCSF 3002, Authentication. The envelope's Subject is
// the machine it came from, its Object the one signed in to.
type Logon struct {
	Protocol    text.Ref // "ssh", "kerberos", "ntlm", "rdp", "radius", "ftp", ...
	User        text.Ref // as given; with @realm or domain\ if that was seen
	Service     text.Ref // what for: a Kerberos service, an NTLM server name
	Client      text.Ref // the client's software
	Server      text.Ref // the server's
	Fingerprint text.Ref // HASSH or the like, of the client
	Reason      text.Ref // the protocol's word for a failure: "KDC_ERR_PREAUTH_FAILED"
	Attempts    uint32   // 0 and 1 are one
	Result      Result
	Spare       [3]uint8
}

// Result says how an attempt ended.
type Result uint8

// The results.
const (
	UnknownResult Result = iota
	Success
	Failure
)

// Logon lends an attempt to sign in.
func (e *Emit) Logon(at int64) (*Envelope, *Logon) { return lend(e, LogonType, at, &e.batch.Logons) }

// Logon returns the body of an attempt to sign in.
func (v View) Logon() *Logon { return &v.Batch.Logons[v.Head().Row] }

func (l *Logon) texts(move func(*text.Ref)) {
	move(&l.Protocol)
	move(&l.User)
	move(&l.Service)
	move(&l.Client)
	move(&l.Server)
	move(&l.Fingerprint)
	move(&l.Reason)
}

package event

import "vedette/internal/text"

// TLS is one handshake. OCSF 4001, Network Activity, with its tls object.
type TLS struct {
	ServerName  text.Ref // SNI, lower case
	Version     text.Ref // "TLSv1.3"
	Cipher      text.Ref
	ALPN        text.Ref // the protocol agreed on
	JA3, JA3S   text.Ref // hex
	JA4         text.Ref
	CertSubject text.Ref // of the server's certificate
	CertIssuer  text.Ref
	CertHash    text.Ref // hex, as the sensor computes it
	Validation  text.Ref // the sensor's word on the chain: "ok", "self signed certificate"
	NotBefore   int64    // Unix nanoseconds, 0 if not known
	NotAfter    int64
	Established uint8 // 1 if the handshake was completed
	Resumed     uint8
	Spare       [6]uint8
}

// TLS lends a TLS handshake.
func (e *Emit) TLS(at int64) (*Envelope, *TLS) { return lend(e, TLSType, at, &e.batch.TLS) }

// TLS returns the body of a TLS handshake.
func (v View) TLS() *TLS { return &v.Batch.TLS[v.Head().Row] }

func (t *TLS) texts(move func(*text.Ref)) {
	move(&t.ServerName)
	move(&t.Version)
	move(&t.Cipher)
	move(&t.ALPN)
	move(&t.JA3)
	move(&t.JA3S)
	move(&t.JA4)
	move(&t.CertSubject)
	move(&t.CertIssuer)
	move(&t.CertHash)
	move(&t.Validation)
}

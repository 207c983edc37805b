package zeek

import (
	"bytes"

	"vedette/internal/entity"
	"vedette/internal/event"
)

func ssl(r *record, at int64) error {
	h, t := r.emit.TLS(at)
	if err := r.head(h); err != nil {
		return err
	}
	version := r.text(cVersion)
	t.Version = r.emit.Text(version)
	t.ServerName = r.lowerRef(cServerName)
	t.Cipher = r.put(cCipher)
	t.ALPN = r.put(cNextProtocol)
	t.JA3, t.JA3S, t.JA4 = r.put(cJA3), r.put(cJA3S), r.put(cJA4)
	t.CertSubject, t.CertIssuer = r.put(cSubject), r.put(cIssuer)
	t.CertHash = r.emit.Text(r.first(cCertChainFPs))
	if t.CertHash == 0 {
		t.CertHash = r.put(cCertHash)
	}
	t.Validation = r.put(cValidationStatus)
	t.NotBefore, t.NotAfter = r.moment(cNotValidBefore), r.moment(cNotValidAfter)
	t.Established, t.Resumed = r.one(cEstablished), r.one(cResumed)
	if t.Established == 1 || !bytes.HasPrefix(version, []byte("DTLS")) {
		r.emit.Trust(event.Handshake)
	}
	r.drop(cCertChainFUIDs, cClientCertChainFUIDs)
	return nil
}

// x509 is a certificate on its way. Which connection it was on, only the log of files
// says. Its subject is public and kept, unlike a message's subject.
func x509(r *record, at int64) error {
	h, o := r.emit.Other(at)
	r.base(h)
	h.Object = r.emit.Entity(entity.Unknown, entity.Cert, r.peek(cFingerprint))
	o.Message = r.put(cCertSubject)
	return nil
}

package state

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"vedette/internal/audit"
	"vedette/internal/fault"
)

// KeyFile is the name of the key file in the folder of the state. It belongs in a safe
// of its own: a backup without it holds no secret that can be read.
const KeyFile = "key"

const keySize = 32

// ReadKey returns the key in a folder. If there is neither a key nor a state file, it
// makes one. A key that others can read is refused.
func ReadKey(dir string, random io.Reader) ([]byte, error) {
	path := filepath.Join(dir, KeyFile)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return makeKey(dir, path, random)
	case err != nil:
		return nil, fault.Wrap(fault.Unreadable, fmt.Errorf("reading the key: %w", err))
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return nil, fault.New(fault.Denied, fmt.Sprintf("%s can be read by others (%s); run: chmod 600 %s", path, info.Mode().Perm(), path))
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(fault.Unreadable, fmt.Errorf("reading the key: %w", err))
	}
	if len(key) != keySize {
		return nil, fault.New(fault.Unreadable, fmt.Sprintf("%s has %d bytes, not %d; put the right key back", path, len(key), keySize))
	}
	return key, nil
}

func makeKey(dir, path string, random io.Reader) ([]byte, error) {
	if _, err := os.Stat(filepath.Join(dir, File)); err == nil {
		return nil, fault.New(fault.Unreadable, path+" is missing, and the secrets in the state file are sealed with it; put it back")
	}
	key := make([]byte, keySize)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, fmt.Errorf("drawing a key: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("making a folder for the key: %w", err))
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("making the key: %w", err))
	}
	_, err = f.Write(key)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("writing the key: %w", err), os.Remove(path))
	}
	return key, nil
}

// Secret is something that must be kept and never shown. However it is printed, logged
// or encoded, it says "secret".
type Secret struct{ reveal func() []byte }

// NewSecret returns a secret. It keeps a copy.
func NewSecret(b []byte) Secret {
	b = append([]byte(nil), b...)
	return Secret{func() []byte { return append([]byte(nil), b...) }}
}

// Reveal returns a copy of what is inside. Whoever calls it answers for it.
func (s Secret) Reveal() []byte {
	if s.reveal == nil {
		return nil
	}
	return s.reveal()
}

// Empty reports whether there is nothing inside.
func (s Secret) Empty() bool { return len(s.Reveal()) == 0 }

// Format implements fmt.Formatter for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "secret") }

// String returns "secret".
func (Secret) String() string { return "secret" }

// GoString returns "secret".
func (Secret) GoString() string { return "secret" }

// MarshalJSON returns "secret" in quotes.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"secret"`), nil }

// MarshalText returns "secret".
func (Secret) MarshalText() ([]byte, error) { return []byte("secret"), nil }

// LogValue returns "secret".
func (Secret) LogValue() slog.Value { return slog.StringValue("secret") }

// keys are what is derived from the key: one for each use.
type keys struct {
	box                       cipher.AEAD
	requests, subjects, heads []byte
	form                      []byte
	check                     []byte
}

func newKeys(key []byte) (k keys, err error) {
	derive := func(use string) []byte {
		b, errKey := hkdf.Key(sha256.New, key, nil, "vedette state 1 "+use, keySize)
		err = errors.Join(err, errKey)
		return b
	}
	k = keys{
		requests: derive("requests"), subjects: derive("subjects"), heads: derive("heads"),
		form: derive("forms"), check: derive("check"),
	}
	seal := derive("secrets")
	if err != nil {
		return keys{}, fmt.Errorf("deriving keys: %w", err)
	}
	block, err := aes.NewCipher(seal)
	if err == nil {
		k.box, err = cipher.NewGCMWithRandomNonce(block)
	}
	if err != nil {
		return keys{}, fmt.Errorf("making a box for secrets: %w", err)
	}
	return k, nil
}

// mac returns a MAC over some parts, each behind its length.
func (keys) mac(key []byte, tenant string, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, key)
	for _, p := range append([][]byte{[]byte(tenant)}, parts...) {
		m.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		m.Write(p)
	}
	return m.Sum(nil)
}

// sealHead proves that the end of an audit chain was written by who holds the key.
func (k keys) sealHead(tenant string, h audit.Head) []byte {
	return k.mac(k.heads, tenant, binary.BigEndian.AppendUint64(nil, h.Seq), h.Hash[:])
}

// seal encrypts. What is sealed for one place cannot be opened as another's.
func (k keys) seal(tenant, kind, name string, plain []byte) []byte {
	return k.box.Seal(nil, nil, plain, place(tenant, kind, name))
}

func (k keys) open(tenant, kind, name string, sealed []byte) (Secret, error) {
	plain, err := k.box.Open(nil, nil, sealed, place(tenant, kind, name))
	if err != nil {
		return Secret{}, fault.New(fault.Unreadable, fmt.Sprintf("the %s of %q cannot be opened: it was changed, or sealed with another key", kind, name))
	}
	return NewSecret(plain), nil
}

func place(parts ...string) (b []byte) {
	for _, p := range parts {
		b = append(binary.BigEndian.AppendUint64(b, uint64(len(p))), p...)
	}
	return b
}

// FormKey returns the key by which forms are signed; see auth.FormToken.
func (s *Store) FormKey() []byte { return append([]byte(nil), s.keys.form...) }

// checkKey compares the key with the one that the file was made with. A new file takes it.
func (s *Store) checkKey(ctx context.Context) error {
	mine := s.keys.mac(s.keys.check, "")
	if _, err := s.write.ExecContext(ctx, `INSERT INTO installation VALUES ('', 'key', ?) ON CONFLICT DO NOTHING`, mine); err != nil {
		return fmt.Errorf("opening the state: %w", explain(err))
	}
	return s.sameKey(ctx)
}

func (s *Store) sameKey(ctx context.Context) error {
	mine := s.keys.mac(s.keys.check, "")
	var its []byte
	if err := s.write.QueryRowContext(ctx, `SELECT value FROM installation WHERE tenant = '' AND name = 'key'`).Scan(&its); err != nil {
		return fmt.Errorf("opening the state: %w", explain(err))
	}
	if !hmac.Equal(mine, its) {
		return fault.New(fault.Unreadable, s.path+" was sealed with another key; put the right one back")
	}
	return nil
}

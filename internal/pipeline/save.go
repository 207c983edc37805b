package pipeline

import (
	"errors"

	"vedette/internal/baseline"
	"vedette/internal/input"
	"vedette/internal/rows"
)

// At returns the position of the last entry applied.
func (m *Machine) At() input.Position { return m.at }

// Save appends the state to dst: what a fresh machine would be in after applying the log
// up to [Machine.At].
func (m *Machine) Save(dst []byte) []byte {
	dst = rows.Append(dst, []byte(m.plan.Shape()))
	dst = rows.Append(dst, []int64{int64(m.at), m.now.Time, int64(m.now.Window), int64(m.now.Hour)})
	dst = m.sources.Append(dst)
	dst = rows.Append(dst, []uint32{uint32(len(m.names))})
	for _, n := range m.names {
		dst = rows.Append(dst, []byte(n))
	}
	dst = m.shared.Append(dst)
	for p := range Partitions {
		dst = m.subjects[p].Append(m.objects[p].Append(dst))
	}
	return dst
}

// ErrShape says that saved state was learned by other detectors or another version; it
// has to be learned again.
var ErrShape = errors.New("learned state is of another version of the detectors")

// ErrDamaged says that saved state cannot be read.
var ErrDamaged = errors.New("learned state is damaged")

// Load puts a new machine into a saved state and returns the bytes after it. Entries
// after its position come next.
func (m *Machine) Load(src []byte) ([]byte, error) {
	r := rows.Reader{Src: src}
	var shape []byte
	var head []int64
	if rows.Read(&r, &shape); r.Err == nil && string(shape) != m.plan.Shape() {
		return nil, ErrShape
	}
	rows.Read(&r, &head)
	m.sources.Read(&r)
	var count []uint32
	rows.Read(&r, &count)
	for i := uint32(0); r.Err == nil && len(count) == 1 && i < count[0]; i++ {
		var name []byte
		rows.Read(&r, &name)
		m.names = append(m.names, string(name))
	}
	m.shared.Read(m.plan, &r)
	for p := 0; p < Partitions && r.Err == nil; p++ {
		m.objects[p].Read(&r)
		m.subjects[p].Read(&r)
	}
	if r.Err != nil || len(head) != 4 || len(count) != 1 || m.sources.Len() != len(m.names) {
		return nil, errors.Join(ErrDamaged, r.Err)
	}
	m.at = input.Position(head[0])
	m.now = baseline.Now{Time: head[1], Window: uint32(head[2]), Hour: uint32(head[3])}
	return r.Src, nil
}

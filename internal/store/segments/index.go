package segments

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"sort"
	"strconv"

	"vedette/internal/entity"
	"vedette/internal/input"
)

// aboutKey is the name under which a file of events holds its note.
const aboutKey = "vedette.segment"

// sumKey is the name of the note's CRC-32C, in hex.
const sumKey = "vedette.sum"

func sumOf(note string) string {
	return strconv.FormatUint(uint64(crc32.Checksum([]byte(note), castagnoli())), 16)
}

// about is the note on a segment: in its file of events, and in its index.
type about struct {
	Version int            `json:"version"`
	First   input.Position `json:"first"` // entries of the log that were sealed together
	Last    input.Position `json:"last"`
	Files   int            `json:"files"`  // how many files that made; 1 of what was merged
	Tenant  []byte         `json:"tenant"` // names may be any bytes
	Site    []byte         `json:"site"`
	Day     string         `json:"day"` // 2006-01-02
	Rows    int            `json:"rows"`
	Types   uint32         `json:"types"` // a bit for each
	From    int64          `json:"from"`  // times of the first and the last event
	To      int64          `json:"to"`
	Sources []sourceRange  `json:"sources,omitempty"` // nil if there are too many to say
	Parts   []string       `json:"parts,omitempty"`   // names of the segments that were merged to this one, and are replaced by it

	// Of the file of events; in the index alone. What lies behind its pages has a checksum
	// of its own, which is looked at whenever it is opened; pages bring theirs with them.
	Size    int64  `json:"size,omitempty"`
	Sum     uint32 `json:"sum,omitempty"` // CRC-32C
	Tail    int64  `json:"tail,omitempty"`
	TailSum uint32 `json:"tail_sum,omitempty"`
}

// sourceRange says which records of a source a segment may hold.
type sourceRange struct {
	Name  []byte `json:"name"`
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

const (
	version    = 1
	maxSources = 256 // that a note names
)

// span is a run of rows: those from First to before End.
type span struct{ First, End uint32 }

// An index is a file of blocks, each with its CRC-32C at its end, whose entries are sorted by
// key; then the fences, which are the first key and the offset of each block; then the
// note; then the tail. All numbers are little endian.
//
//	entry: key (8), rows as subject (first, number), runs of rows as object (number of
//	       runs; for each the gap before it and its length), all but the key uvarint
//	tail:  offset of the fences (8), number of fences (4), length of the note (4),
//	       CRC-32C of all from the fences to here (4), magic (4)
const (
	indexBlock = 4096 // bytes after which a block ends
	fenceSize  = 12
	tailSize   = 24
	indexMagic = "VSI1"
)

// fence is where a block begins.
type fence struct {
	key    entity.Key
	offset uint32
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// appendIndex returns the index of rows whose sides have the given keys. Rows are sorted
// by subject.
func appendIndex(subjects, objects []uint64, note *about) ([]byte, error) {
	type pair struct {
		key uint64
		row uint32
	}
	pairs := make([]pair, 0, len(objects))
	for row, k := range objects {
		if k != 0 {
			pairs = append(pairs, pair{k, uint32(row)})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return cmp.Compare(a.row, b.row)
	})
	var out []byte
	var fences []fence
	start, s, o := 0, 0, 0
	var runs []span
	end := func() {
		out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(out[start:], castagnoli()))
		start = len(out)
	}
	for s < len(subjects) && subjects[s] == 0 {
		s++
	}
	for s < len(subjects) || o < len(pairs) {
		key := ^uint64(0)
		if s < len(subjects) {
			key = subjects[s]
		}
		if o < len(pairs) {
			key = min(key, pairs[o].key)
		}
		first := s
		for s < len(subjects) && subjects[s] == key {
			s++
		}
		runs = runs[:0]
		for ; o < len(pairs) && pairs[o].key == key; o++ {
			if n := len(runs); n > 0 && runs[n-1].End == pairs[o].row {
				runs[n-1].End++
			} else {
				runs = append(runs, span{pairs[o].row, pairs[o].row + 1})
			}
		}
		if len(out) == start {
			fences = append(fences, fence{entity.Key(key), uint32(start)})
		}
		if out = appendEntry(out, key, first, s-first, runs); len(out)-start >= indexBlock {
			end()
		}
	}
	if len(out) > start {
		end()
	}
	return appendTail(out, fences, note)
}

func appendEntry(out []byte, key uint64, first, n int, runs []span) []byte {
	out = binary.LittleEndian.AppendUint64(out, key)
	out = binary.AppendUvarint(binary.AppendUvarint(out, uint64(first)), uint64(n))
	out = binary.AppendUvarint(out, uint64(len(runs)))
	at := uint32(0)
	for _, r := range runs {
		out = binary.AppendUvarint(binary.AppendUvarint(out, uint64(r.First-at)), uint64(r.End-r.First))
		at = r.End
	}
	return out
}

func appendTail(out []byte, fences []fence, note *about) ([]byte, error) {
	text, err := json.Marshal(note)
	if err != nil {
		return nil, fmt.Errorf("writing the note of a segment: %w", err)
	}
	if uint64(len(out)) > 1<<32-1 {
		return nil, errors.New("the index of a segment is too large")
	}
	start := len(out)
	for _, f := range fences {
		out = binary.LittleEndian.AppendUint64(out, uint64(f.key))
		out = binary.LittleEndian.AppendUint32(out, f.offset)
	}
	out = append(out, text...)
	out = binary.LittleEndian.AppendUint64(out, uint64(start))
	out = binary.LittleEndian.AppendUint32(out, uint32(len(fences)))
	out = binary.LittleEndian.AppendUint32(out, uint32(len(text)))
	out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(out[start:], castagnoli()))
	return append(out, indexMagic...), nil
}

var errIndex = errors.New("the index is damaged")

// readTail reads what stands behind the blocks of an index.
func readTail(path string) (note *about, fences []fence, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	raw := make([]byte, min(info.Size(), 16<<10))
	if err := readAt(f, raw, info.Size()-int64(len(raw))); err != nil {
		return nil, nil, err
	}
	if len(raw) < tailSize || string(raw[len(raw)-4:]) != indexMagic {
		return nil, nil, errIndex
	}
	tail := raw[len(raw)-tailSize:]
	start := binary.LittleEndian.Uint64(tail)
	n := binary.LittleEndian.Uint32(tail[8:])
	length := binary.LittleEndian.Uint32(tail[12:])
	sum := binary.LittleEndian.Uint32(tail[16:])
	if start+uint64(n)*fenceSize+uint64(length)+tailSize != uint64(info.Size()) {
		return nil, nil, errIndex
	}
	if want := int(info.Size() - int64(start)); want <= len(raw) {
		raw = raw[len(raw)-want:]
	} else {
		raw = make([]byte, want)
		if err := readAt(f, raw, int64(start)); err != nil {
			return nil, nil, err
		}
	}
	if crc32.Checksum(raw[:len(raw)-8], castagnoli()) != sum {
		return nil, nil, errIndex
	}
	fences = make([]fence, n)
	for i := range fences {
		x := raw[i*fenceSize:]
		fences[i] = fence{entity.Key(binary.LittleEndian.Uint64(x)), binary.LittleEndian.Uint32(x[8:])}
	}
	note = new(about)
	if err := json.Unmarshal(raw[n*fenceSize:][:length], note); err != nil || note.Version != version {
		return nil, nil, errIndex
	}
	fences = append(fences, fence{offset: uint32(start)}) // where the last block ends
	return note, fences, nil
}

func readAt(f *os.File, b []byte, at int64) error {
	if n, err := f.ReadAt(b, at); n < len(b) && (err == nil || errors.Is(err, io.EOF)) {
		return io.ErrUnexpectedEOF
	} else if n < len(b) {
		return err
	}
	return nil
}

// find returns the rows of an entity. Fences are those of the index in f.
func find(f *os.File, fences []fence, key entity.Key, role Role) (rows []span, err error) {
	i := sort.Search(len(fences)-1, func(i int) bool { return fences[i].key > key }) - 1
	if i < 0 {
		return nil, nil
	}
	block := make([]byte, fences[i+1].offset-fences[i].offset)
	if err := readAt(f, block, int64(fences[i].offset)); err != nil {
		return nil, err
	}
	block, err = checked(block)
	if err != nil {
		return nil, err
	}
	r := varints{Reader: bytes.NewReader(block)}
	for r.Len() > 0 && r.err == nil {
		at := entity.Key(r.key())
		first, n, runs := r.next(), r.next(), r.next()
		if at == key && n > 0 && role != AsObject {
			rows = append(rows, span{uint32(first), uint32(first + n)})
		}
		end := uint64(0)
		for range runs {
			from := end + r.next()
			if end = from + r.next(); r.err != nil {
				break
			}
			if at == key && role != AsSubject {
				rows = append(rows, span{uint32(from), uint32(end)})
			}
		}
		if at >= key {
			break
		}
	}
	if r.err != nil {
		return nil, errIndex
	}
	return rows, nil
}

// checked returns a block without its checksum.
func checked(block []byte) ([]byte, error) {
	n := len(block) - 4
	if n < 0 || crc32.Checksum(block[:n], castagnoli()) != binary.LittleEndian.Uint32(block[n:]) {
		return nil, errIndex
	}
	return block[:n], nil
}

// varints reads the entries of a block.
type varints struct {
	*bytes.Reader
	err error
}

func (r *varints) next() uint64 {
	if r.err != nil {
		return 0
	}
	v, err := binary.ReadUvarint(r.Reader)
	r.err = err
	return v
}

func (r *varints) key() uint64 {
	var b [8]byte
	if _, err := io.ReadFull(r.Reader, b[:]); err != nil {
		r.err = err
	}
	return binary.LittleEndian.Uint64(b[:])
}

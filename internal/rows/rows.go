// Package rows writes and reads slices of fixed-size structs: how batches and learned
// state become bytes. Little endian, a length before each slice, nothing else.
//
// A row type has no pointer and no padding, so on a little-endian machine its memory
// is its encoding and a slice is written by one copy. [Check] proves it for a type;
// every package that saves a type calls it in a test. This is the one package that
// may import unsafe, for that copy; its tests hold it equal to encoding/binary.
package rows

import (
	"encoding/binary"
	"fmt"
	"io"
	"reflect"
	"unsafe"
)

// little reports whether this machine's memory is in the order of the encoding.
func little() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}

// Append appends rows to dst.
func Append[T any](dst []byte, rows []T) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(rows)))
	if len(rows) == 0 {
		return dst
	}
	if little() {
		return append(dst, view(rows)...)
	}
	dst, err := binary.Append(dst, binary.LittleEndian, rows)
	if err != nil {
		panic(err) // a field without a fixed size: our own mistake
	}
	return dst
}

// Reader reads what Append wrote, in the same order. After an error it reads nothing.
type Reader struct {
	Src []byte // what is left
	Err error
}

// Read replaces rows by the next slice of r, in the same memory if it fits.
func Read[T any](r *Reader, rows *[]T) {
	if r.Err == nil && len(r.Src) < 4 {
		r.Err = io.ErrUnexpectedEOF
	}
	if r.Err != nil {
		return
	}
	n := int(binary.LittleEndian.Uint32(r.Src))
	size := int(unsafe.Sizeof(*new(T)))
	if n > len(r.Src[4:])/size { // before allocating: the length may be a lie
		r.Err = io.ErrUnexpectedEOF
		return
	}
	r.Src = r.Src[4:]
	if cap(*rows) < n {
		*rows = make([]T, n)
	}
	*rows = (*rows)[:n]
	if little() {
		copy(view(*rows), r.Src)
	} else {
		_, r.Err = binary.Decode(r.Src, binary.LittleEndian, *rows)
	}
	r.Src = r.Src[n*size:]
}

// view returns the memory of rows.
func view[T any](rows []T) []byte {
	if len(rows) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&rows[0])), len(rows)*int(unsafe.Sizeof(rows[0])))
}

// Check returns an error unless T can be a row: only integers and floats of fixed
// size, in arrays and structs, without a byte of padding.
func Check[T any]() error {
	t := reflect.TypeFor[T]()
	n, err := packed(t)
	if err == nil && n != t.Size() {
		err = fmt.Errorf("rows: %v has %d bytes of padding", t, t.Size()-n)
	}
	return err
}

// packed returns how many bytes the fields of t fill.
func packed(t reflect.Type) (n uintptr, err error) {
	switch t.Kind() {
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64:
		return t.Size(), nil
	case reflect.Array:
		n, err = packed(t.Elem())
		return n * uintptr(t.Len()), err
	case reflect.Struct:
		for i := range t.NumField() {
			m, err := packed(t.Field(i).Type)
			if err != nil {
				return 0, fmt.Errorf("%v.%s: %w", t, t.Field(i).Name, err)
			}
			n += m
		}
		return n, nil
	}
	return 0, fmt.Errorf("rows: %v has no fixed size or no fixed meaning in memory", t)
}

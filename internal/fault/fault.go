// Package fault holds the kinds of failure that a caller can act on.
//
// An error that nobody can act on needs no kind: wrap it and return it.
package fault

import "errors"

// Kind is why something failed, as far as the caller can do something about it.
type Kind uint8

// The kinds.
const (
	Internal    Kind = iota // our own mistake, or the machine's
	Invalid                 // what was asked makes no sense; asking again will not help
	NotFound                // there is no such thing
	Unreadable              // it is there and cannot be read or understood
	Denied                  // it may not be done
	Conflict                // it changed meanwhile
	Unavailable             // try again later
)

// Error is an error with a kind. Its message is written for the user.
type Error struct {
	Kind Kind
	Err  error
}

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the error inside.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of kind k with the given message.
func New(k Kind, message string) error { return &Error{k, errors.New(message)} }

// Wrap gives err a kind. A nil err stays nil.
func Wrap(k Kind, err error) error {
	if err == nil {
		return nil
	}
	return &Error{k, err}
}

// KindOf returns the kind of the outermost [Error] in err's chain, or Internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

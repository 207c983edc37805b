// Package vedette holds the rules of the house as tests, and the sample. The program
// is cmd/vedette; the packages it is made of are below internal. To see what the
// rules are, read arch_test.go; ARCHITECTURE.md says the same in words.
package vedette

package auth

import (
	"strings"
	"unicode"
)

// common are words that passwords are made of. A password is guessable if two of them,
// and digits or signs between and around, are all there is to it; so a sentence that
// happens to contain some is not. Letters only, in lower case.
const common = `
password passwort passwd pass motdepasse contrasena wachtwoord parola senha admin administrator root
user guest login welcome willkommen bienvenue bonjour hello hallo letmein changeme changeit default temp
temporary test testing tester secret geheim private master access enter open sesame opensesame trustno
iloveyou ilove you loveyou lovely love baby angel princess sunshine flower butterfly rainbow monkey dragon
tiger lion eagle panther shadow ninja killer hunter ranger soldier warrior knight wizard phoenix thunder
superman batman spiderman ironman starwars pokemon naruto matrix hogwarts harrypotter gandalf frodo
football soccer baseball basketball hockey tennis golf liverpool arsenal chelsea barcelona juventus
realmadrid bayern manchester yankees cowboys lakers spring summer autumn winter fall frühling sommer
herbst january february march april may june july august september october november december monday
tuesday wednesday thursday friday saturday sunday computer internet network server system windows linux
ubuntu apple google facebook microsoft samsung android oracle cisco router switch firewall security
cyber hacker michael jennifer jessica ashley daniel andrew joshua matthew charlie jordan thomas robert
michelle nicole hannah amanda chocolate cookie coffee cheese banana orange cherry pepper ginger freedom
forever whatever nothing something money dollar lucky happy smile family mother father brother sister
hospital klinik clinic medical medicine doctor nurse patient health healthcare surgery radiology
laboratory pharmacy ambulance emergency company office business enterprise support service helpdesk
vedette siem analyst operator monitoring scada plc engineer maintenance production correcthorse
batterystaple thequick brownfox abc xyz qwe asd zxc qaz wsx edc zaq xsw cde
`

// rows are what fingers and tongues follow.
var rows = [...]string{
	"qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "azertyuiopqsdfghjklmwxcvbn",
	"abcdefghijklmnopqrstuvwxyz", "1234567890", "qazwsxedcrfvtgbyhnujmikolp", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
	"1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0",
}

// guessable reports whether the password is made of next to nothing.
func guessable(password string, known []string) bool {
	plain := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, password)
	if few(password) || repeats(password) || repeats(plain) || follows(plain) {
		return true
	}
	words := map[string]bool{}
	parts := strings.Fields(common)
	for _, k := range known { // gunther.schmidt is two words, and one
		own := strings.FieldsFunc(strings.ToLower(k), func(r rune) bool { return !unicode.IsLetter(r) })
		parts = append(append(parts, own...), strings.Join(own, ""))
	}
	for _, w := range parts {
		if len(w) >= 3 {
			words[disguised(w)] = true
		}
	}
	core := strings.TrimFunc(strings.ToLower(password), func(r rune) bool { return !unicode.IsLetter(r) && !strings.ContainsRune("@$", r) })
	return spelt(plain, words, 2) || spelt(disguised(core), words, 2) || spelt(disguised(strings.ToLower(password)), words, 2)
}

// few reports whether there are at most three different letters.
func few(s string) bool {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen) <= 3
}

// repeats reports whether s is a short piece again and again.
func repeats(s string) bool {
	for n := 1; n <= 8 && n <= len(s)/2; n++ {
		if strings.HasPrefix(strings.Repeat(s[:n], len(s)/n+1), s) {
			return true
		}
	}
	return false
}

// follows reports whether s is made of runs, of four or more letters, along the rows, in
// either direction.
func follows(s string) bool {
	for len(s) > 0 {
		n := 0
		for _, row := range rows {
			n = max(n, run(s, row), run(s, backwards(row)))
		}
		if n < 4 {
			return len(s) <= 2 // what is left over at the end
		}
		s = s[n:]
	}
	return true
}

// run returns how many letters of s stand in the row as they do in s; the row goes round.
func run(s, row string) (n int) {
	i := strings.IndexByte(row, s[0])
	if i < 0 {
		return 0
	}
	for n < len(s) && s[n] == row[(i+n)%len(row)] {
		n++
	}
	return n
}

func backwards(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// disguised undoes what people do to a word so that it looks like none, and what cannot
// be told apart becomes the same.
func disguised(s string) string {
	return strings.NewReplacer("0", "o", "1", "i", "l", "i", "!", "i", "|", "i", "3", "e", "4", "a", "@", "a", "5", "s", "$", "s", "7", "t", "+", "t", "8", "b").Replace(s)
}

// spelt reports whether s is at most left of the words, and what is not letters.
func spelt(s string, words map[string]bool, left int) bool {
	s = strings.TrimLeftFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
	if s == "" {
		return true
	}
	if left == 0 {
		return false
	}
	for n := 3; n <= len(s); n++ {
		if words[disguised(s[:n])] && spelt(s[n:], words, left-1) {
			return true
		}
	}
	return false
}

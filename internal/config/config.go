// Package config reads the one configuration file. Everything has a default that works on a
// laptop, so there need be no file.
package config

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"vedette/internal/fault"
	"vedette/internal/plug"
	"vedette/internal/source"
)

// Config is what the file says, checked.
type Config struct {
	File    string // that it was read from; empty for the defaults
	Data    string // folder of all that is kept
	Site    string
	Budget  float64
	Own     []netip.Prefix
	Console Console
	Keep    Keep
	Memory  int64 // bytes that the program keeps within; 0 is a share of what there is
	Log     Log
	Feeds   []Feed
}

// Console says where the console and the API are.
type Console struct {
	Listen    string
	Hosts     []string // names it may be asked by, beside its address
	Cert, Key string   // PEM files; both or neither
	OIDC      OIDC
}

// Keep says how long and how much is kept.
type Keep struct {
	Days    int
	Disk    int64 // bytes of events; 0 is without limit
	Journal int64 // bytes of the log; 0 is without limit
}

// Log says how the program logs, on its standard error.
type Log struct {
	Format string // text or json
	Level  slog.Level
}

// Feed is a source that goes on.
type Feed struct {
	Kind string
	Name string // for messages: "sources[0] (tail)"
	Part []byte // what the file says of it, as YAML: equal for equal settings
	source.Feed
}

// file is the file as it is written. Its comments are the manual: see Example.
type file struct {
	Data    string   `yaml:"data"`
	Site    string   `yaml:"site"`
	Budget  float64  `yaml:"budget"`
	Own     []string `yaml:"own"`
	Console struct {
		Listen string    `yaml:"listen"`
		Hosts  []string  `yaml:"hosts"`
		Cert   string    `yaml:"cert"`
		Key    string    `yaml:"key"`
		OIDC   *oidcFile `yaml:"oidc"`
	} `yaml:"console"`
	Keep struct {
		Days    int    `yaml:"days"`
		Disk    string `yaml:"disk"`
		Journal string `yaml:"journal"`
	} `yaml:"keep"`
	Memory string `yaml:"memory"`
	Log    struct {
		Format string `yaml:"format"`
		Level  string `yaml:"level"`
	} `yaml:"log"`
	Sources []map[string]any `yaml:"sources"`
}

// Load reads and checks the file at path; an empty path stands for no file.
func Load(path string, kinds plug.Set[source.Kind]) (Config, error) {
	var b []byte
	if path != "" {
		var err error
		if b, err = os.ReadFile(path); err != nil {
			return Config{}, fault.Wrap(fault.Invalid, fmt.Errorf("configuration: %w", err))
		}
	}
	c, err := parse(b, kinds)
	if c.File = path; err != nil && path != "" {
		err = fault.Wrap(fault.Invalid, fmt.Errorf("%s: %w", path, err))
	}
	return c, err
}

func parse(b []byte, kinds plug.Set[source.Kind]) (Config, error) {
	var f file
	f.Site, f.Budget, f.Console.Listen, f.Keep.Days, f.Keep.Disk, f.Keep.Journal = "main", 1, "127.0.0.1:8432", 90, "50 GB", "8 GB"
	f.Log.Format, f.Log.Level = "text", "info"
	if err := source.Decode(b, &f); err != nil {
		return Config{}, err
	}
	c := Config{Data: f.Data, Site: f.Site, Budget: f.Budget, Console: Console{Listen: f.Console.Listen, Hosts: f.Console.Hosts, Cert: f.Console.Cert, Key: f.Console.Key}}
	checks := []func() error{
		func() error { return c.folder() },
		func() error { return c.numbers(f) },
		func() error { return c.networks(f.Own) },
		func() error { return c.listen() },
		func() error { return c.oidc(f.Console.OIDC) },
		func() error { return c.logs(f.Log.Format, f.Log.Level) },
		func() error { return c.feeds(b, f.Sources, kinds) },
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return Config{}, err
		}
	}
	return c, nil
}

func invalid(format string, args ...any) error {
	return fault.New(fault.Invalid, fmt.Sprintf(format, args...))
}

// folder finds the folder of data, by the XDG base directory specification if none is named.
func (c *Config) folder() error {
	if c.Data != "" {
		return nil
	}
	home := os.Getenv("XDG_DATA_HOME")
	if home == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			return invalid("data: name a folder, for there is no home folder to put it in")
		}
		home = filepath.Join(user, ".local", "share")
	}
	c.Data = filepath.Join(home, "vedette")
	return nil
}

func (c *Config) numbers(f file) error {
	if !(f.Budget > 0 && f.Budget <= 1000) {
		return invalid("budget: it must be more than 0 and at most 1000")
	}
	if f.Site == "" || len(f.Site) > 64 || strings.ContainsAny(f.Site, "/\\\x00") || strings.HasPrefix(f.Site, ".") {
		return invalid("site: it must be 1 to 64 letters without slashes, and not begin with a dot")
	}
	if c.Keep.Days = f.Keep.Days; c.Keep.Days < 1 || c.Keep.Days > 36500 {
		return invalid("keep.days: it must be from 1 to 36500")
	}
	var err error
	if c.Keep.Disk, err = size("keep.disk", f.Keep.Disk); err == nil {
		c.Keep.Journal, err = size("keep.journal", f.Keep.Journal)
	}
	if err == nil {
		c.Memory, err = size("memory", f.Memory)
	}
	return err
}

// size reads an amount of bytes such as "50 GB".
func size(key, s string) (int64, error) {
	if s == "" || s == "0" {
		return 0, nil
	}
	number := strings.TrimRight(s, " KMGTiB")
	units := map[string]float64{"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
	x, err := strconv.ParseFloat(number, 64)
	unit, ok := units[strings.TrimSpace(s[len(number):])]
	if err != nil || !ok || !(x*unit >= 1e8 && x*unit < 1e18) {
		return 0, invalid("%s: %q is no amount such as 50 GB, from 100 MB on", key, s)
	}
	return int64(x * unit), nil
}

func (c *Config) networks(own []string) error {
	for _, s := range own {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return invalid("own: %q is no network such as 192.0.2.0/24", s)
		}
		c.Own = append(c.Own, p.Masked())
	}
	return nil
}

// listen checks where the console is: what others can reach must be encrypted.
func (c *Config) listen() error {
	host, _, err := net.SplitHostPort(c.Console.Listen)
	if err != nil {
		return invalid("console.listen: %q is no address such as 127.0.0.1:8432", c.Console.Listen)
	}
	if (c.Console.Cert == "") != (c.Console.Key == "") {
		return invalid("console: cert and key go together")
	}
	if !near(host) && c.Console.Cert == "" {
		return invalid("console.listen: %s can be reached by others, so the console needs cert and key", c.Console.Listen)
	}
	return nil
}

// logs checks how to log.
func (c *Config) logs(format, level string) error {
	if c.Log.Format = format; format != "text" && format != "json" {
		return invalid("log.format: it is text or json")
	}
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	var ok bool
	if c.Log.Level, ok = levels[level]; !ok {
		return invalid("log.level: it is debug, info, warn or error")
	}
	return nil
}

// feeds makes the sources that the file names.
func (c *Config) feeds(file []byte, parts []map[string]any, kinds plug.Set[source.Kind]) error {
	for i, part := range parts {
		if len(part) != 1 {
			return invalid("sources[%d]: it must have one key, the kind of source", i)
		}
		for name, settings := range part { // one key: there is no order
			f := Feed{Kind: name, Name: fmt.Sprintf("sources[%d] (%s)", i, name)}
			k, ok := find(kinds, name)
			if !ok {
				return invalid("sources[%d]: there is no kind of source %q; there are %s", i, name, names(kinds))
			}
			if name != "tail" && slices.ContainsFunc(c.Feeds, func(f Feed) bool { return f.Kind == name }) {
				return invalid("sources[%d]: there is a %s already; it can have several addresses", i, name)
			}
			var err error
			if f.Part, err = yaml.Marshal(settings); err != nil {
				return fmt.Errorf("sources[%d].%s: %w", i, name, err)
			}
			if j := slices.IndexFunc(c.Feeds, func(o Feed) bool { return o.Kind == name && bytes.Equal(o.Part, f.Part) }); j >= 0 {
				return invalid("sources[%d]: it says the same as %s", i, c.Feeds[j].Name)
			}
			if f.Feed, err = k.New(written(file, i, name)); err != nil {
				return fault.Wrap(fault.Invalid, fmt.Errorf("sources[%d].%s: %w", i, name, err))
			}
			c.Feeds = append(c.Feeds, f)
		}
	}
	return nil
}

// written returns what a file says of a source, on the lines on which it says so: an error
// in it names a line of the file.
func written(file []byte, i int, kind string) []byte {
	f, err := parser.ParseBytes(file, parser.ParseComments)
	if err != nil {
		return nil // it was parsed before
	}
	p, err := yaml.PathString(fmt.Sprintf("$.sources[%d].%s", i, kind))
	if err != nil {
		return nil // kinds have plain names
	}
	n, err := p.FilterFile(f)
	if err != nil || n.Type() == ast.NullType {
		return nil
	}
	return append(bytes.Repeat([]byte("\n"), n.GetToken().Position.Line-1), n.String()...)
}

func find(kinds plug.Set[source.Kind], name string) (source.Kind, bool) {
	for _, k := range kinds.All() {
		if k.Name == name {
			return k, true
		}
	}
	return source.Kind{}, false
}

func names(kinds plug.Set[source.Kind]) string {
	var all []string
	for _, k := range kinds.All() {
		all = append(all, k.Name)
	}
	return strings.Join(all, ", ")
}

// Example is a file with every key, its default and what it is for.
const Example = `# Vedette's configuration. Every key has the default that stands here, and may be left out.

# Folder of all that is kept. Default: vedette in the user's data folder.
# data: /var/lib/vedette

# Name of this site. It becomes part of what is kept.
site: main

# How many false incidents to surface at most, per 1,000 of your machines and day.
budget: 1

# Networks of your own beside private ones. Without them they are told from the traffic.
own: []
#  - 192.0.2.0/24

console:
  listen: 127.0.0.1:8432   # what others can reach needs cert and key
  hosts: []                # names it may be asked by, such as vedette.example.org
  cert: ""                 # PEM files for TLS
  key: ""
#  oidc:                   # people sign in at an OpenID provider, too; Vedette asks it when they do
#    issuer: https://login.example.org
#    client: vedette       # its secret: vedette secret set oidc
#    groups_claim: groups
#    roles:                # by group there; who has none of them is not let in
#      soc: analyst
#      it-operations: administrator
#    redirect: ""          # only behind a proxy; vedette check says which address to register there

keep:
  days: 90                 # how long events are kept
  disk: 50 GB              # how much room they may take; the oldest go first
  journal: 8 GB            # how much may wait to be learned; beyond it sources are made to wait

# How much memory the program keeps within. Default: 60 % of what the machine, or its
# control group, has. Near the limit it first empties buffers, then refuses to look up
# records, then slows down what comes in; what was taken in is never lost.
# memory: 2 GB
log:
  format: text             # or json, one object a line
  level: info              # debug, info, warn or error

# Where telemetry comes from. Each entry has one key, the kind: tail, push or syslog.
sources: []
#  - tail:
#      paths: [/var/log/zeek/current, /var/log/suricata/eve.json]
`

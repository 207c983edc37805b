// Command vedette watches an organisation's telemetry: it learns what is normal, finds
// what is not, and says so in sentences that lead to the records they stand on.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"vedette/internal/fault"
)

// version is set when a release is built.
var version = "development"

// Exit codes.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2
	exitUnread = 3 // something could not be read; the rest was
)

// verbs are what the program can do, each in the file of its name.
type verbs struct {
	Analyze analyzeVerb `cmd:"" help:"Read logs, learn and detect in one go, and print what is worth a person's time."`
	Show    showVerb    `cmd:"" help:"Print the record that a reference in a report leads to."`
	Run     runVerb     `cmd:"" help:"Watch always: take in telemetry, learn, detect, and show it in the console."`
	Demo    demoVerb    `cmd:"" help:"Show the console on a sample, or on logs of your own, and leave nothing behind."`
	Check   checkVerb   `cmd:"" help:"Check the configuration and say what would run."`
	Config  configVerb  `cmd:"" help:"Help with the configuration file."`
	User    userVerb    `cmd:"" help:"Let people in, from the command line."`
	Secret  secretVerb  `cmd:"" help:"Keep secrets, encrypted."`
	Audit   auditVerb   `cmd:"" help:"Verify the record of who did what."`
	Reload  reloadVerb  `cmd:"" help:"Have the daemon that runs read its configuration again."`
	Backup  backupVerb  `cmd:"" help:"Write all that is kept into one file, while the daemon runs or not."`
	Restore restoreVerb `cmd:"" help:"Make a data folder of a backup, or only check the backup."`
	Doctor  doctorVerb  `cmd:"" help:"Find out what is wrong, or will be soon, and what to do about it."`
	Version versionVerb `cmd:"" help:"Print the version."`
}

// streams is where a verb reads and writes.
type streams struct {
	out, err io.Writer
}

// exitError ends the program with a code and no message: it was given.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// run runs the program and returns its exit code.
func run(ctx context.Context, args []string, s streams) int {
	var v verbs
	ended := -1
	parser, err := kong.New(&v,
		kong.Name("vedette"), kong.Writers(s.out, s.err), kong.Exit(func(code int) { ended = code }),
		kong.Description("A self-learning security operations platform. Guide: README.md."),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s))
	if err != nil {
		return fail(s, err)
	}
	if len(args) == 0 { // somebody who does not know it yet
		if _, err := parser.Parse([]string{"--help"}); err != nil {
			return fail(s, err)
		}
		return exitUsage
	}
	c, err := parser.Parse(args)
	if ended >= 0 { // help was asked for, and given
		return ended
	}
	if err != nil {
		fmt.Fprintf(s.err, "vedette: error: %v\nvedette: hint: vedette --help lists what it can do\n", err)
		return exitUsage
	}
	return fail(s, c.Run())
}

// fail says what went wrong, if anything, and returns the exit code.
func fail(s streams, err error) int {
	if err == nil {
		return exitFine
	}
	if code, ok := errors.AsType[exitError](err); ok {
		return int(code)
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(s.err, "vedette: stopped; nothing was written")
		return exitFailed
	}
	fmt.Fprintf(s.err, "vedette: error: %v\n", err)
	switch fault.KindOf(err) {
	case fault.Invalid:
		return exitUsage
	case fault.NotFound, fault.Unreadable:
		return exitUnread
	}
	return exitFailed
}

// versionVerb prints the version.
type versionVerb struct{}

// Run prints the version.
func (versionVerb) Run(s streams) error {
	_, err := fmt.Fprintln(s.out, "vedette", version)
	return err
}

package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts in testdata/script run the program as a user does: each is a story with the
// files it needs. The program is this test binary under another name.

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"vedette":    main,
		"reachesout": reachesOut, // see TestNothingLeaves
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			here, err := os.Getwd()
			e.Setenv("DEMO", here+"/../../testdata/demo")
			return err
		},
		RequireExplicitExec: true,
	})
}

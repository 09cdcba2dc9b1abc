package mutants

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// A report is what a run of tests came to, as test2json tells it.
type report struct {
	passed  bool
	failed  string // the first test that failed
	unbuilt bool   // it does not compile
	late    bool   // a test ran out of its time: that says more of the machine than of the code
	idle    bool   // nothing was tested
	lame    bool   // the suite could not begin
	output  string
}

// killed says whether a test saw the fault.
func (r report) killed() bool {
	return !r.passed && !r.unbuilt && !r.late && !r.lame && r.failed != ""
}

// String says what became of a mutant that no test saw.
func (r report) String() string {
	switch {
	case r.unbuilt:
		return "it does not compile"
	case r.late:
		return "its tests ran out of time"
	case r.lame:
		return "its suite could not begin"
	case r.idle:
		return "nothing was tested"
	case r.passed:
		return "IT SURVIVES"
	}
	return "no test failed, and yet the run did"
}

var (
	// What Ginkgo says at the end of a story that failed.
	story = regexp.MustCompile(`(?m)^\s*\[(?:FAIL|PANICKED!?|TIMEDOUT)\] (.+)$`)
	empty = regexp.MustCompile(`no tests to run|no test files|Ran 0 of`)
)

// read reads the events of a run.
func read(events []byte) report {
	var r report
	var output strings.Builder
	for line := range bytes.Lines(events) {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal(line, &e) != nil {
			output.Write(line)
			continue
		}
		output.WriteString(e.Output)
		switch {
		case e.Action == "pass" && e.Test == "":
			r.passed = true
		case e.Action == "fail" && r.failed == "":
			r.failed = e.Test
		}
	}
	r.output = output.String()
	r.late = strings.Contains(r.output, "panic: test timed out")
	r.idle = empty.MatchString(r.output)
	if told := story.FindAllStringSubmatch(r.output, -1); told != nil {
		last := told[len(told)-1][1] // of the summary
		r.lame = strings.HasPrefix(last, "[BeforeSuite]")
		r.failed = strings.Replace(last, "[It] ", "", 1)
	}
	return r
}

// What is concluded from a run is worth what read reads in it.
func TestRead(t *testing.T) {
	output := func(s string) string { return fmt.Sprintf("{\"Action\":\"output\",\"Output\":%q}\n", s) }
	const fail = `{"Action":"fail","Test":"TestA/b"}` + "\n" + `{"Action":"fail","Test":"TestA"}` + "\n" + `{"Action":"fail"}` + "\n"
	for name, c := range map[string]struct {
		events, failed, says string
	}{
		"killed":        {fail, "TestA/b", ""},
		"killed, story": {output("  [FAIL] A wake [It] costs one touch\n") + fail, "A wake costs one touch", ""},
		"survives":      {`{"Action":"pass","Test":"TestA"}` + "\n" + `{"Action":"pass"}`, "", "IT SURVIVES"},
		"late":          {output("panic: test timed out after 1m0s\n") + fail, "TestA/b", "its tests ran out of time"},
		"no server":     {output("[FAIL] [BeforeSuite] \n") + fail, "[BeforeSuite] ", "its suite could not begin"},
		"no tests":      {output("testing: warning: no tests to run\n") + `{"Action":"pass"}`, "", "nothing was tested"},
		"no stories":    {output("Ran 0 of 73 Specs in 1 second\n") + `{"Action":"pass"}`, "", "nothing was tested"},
		"died":          {`{"Action":"fail"}`, "", "no test failed, and yet the run did"},
	} {
		t.Run(name, func(t *testing.T) {
			r := read([]byte(c.events))
			if r.failed != c.failed || r.killed() != (c.says == "") || !r.killed() && r.String() != c.says {
				t.Errorf("read %+v, which says %q", r, r)
			}
		})
	}
}

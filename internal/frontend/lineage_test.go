package frontend

import (
	"strings"
	"testing"
)

func TestAChainEndsAfterSixteenRunsOfItsFirstFunction(t *testing.T) {
	trace, looping := "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0", false
	runs := 0
	for !looping && runs < 100 {
		runs++
		if trace, looping = follow(trace, "a"); looping {
			break
		}
		if trace, looping = follow(trace, "b"); looping {
			t.Fatalf("the second function was stopped: %s", trace)
		}
	}
	if runs != loopMax+1 {
		t.Errorf("run %d was stopped, want %d: %s", runs, loopMax+1, trace)
	}
	if !strings.HasPrefix(trace, "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0;Lineage=33:") {
		t.Errorf("trace %s", trace)
	}
}

func TestALoopThatDoesNotHoldTheFirstFunctionEndsToo(t *testing.T) {
	trace, looping := follow("Root=1", "first")
	for n := 0; !looping; n++ {
		if n > hopsMax {
			t.Fatalf("%d hops: %s", n, trace)
		}
		trace, looping = follow(trace, "other")
	}
}

func TestNonsenseInAHeaderIsNoLoop(t *testing.T) {
	for _, trace := range []string{"", "x", "Root=1;Lineage=", "Root=1;Lineage=a:b:c;Sampled=1", "Lineage=1", "Root=1;Lineage=-5:x:-7"} {
		if got, looping := follow(trace, "f"); looping || !strings.Contains(got, "Lineage=") {
			t.Errorf("%q becomes %q, %v", trace, got, looping)
		}
	}
}

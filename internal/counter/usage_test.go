package counter

import (
	"reflect"
	"testing"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func TestUsageIsTheMostSinceItWasLastAsked(t *testing.T) {
	c := New(Config{AccountConcurrency: 10})
	f := lambda.FunctionID{Account: "1", Region: "r", Name: "f"}
	g := lambda.FunctionID{Account: "1", Region: "r", Name: "g"}
	two := 2
	c.SetReserved(g, &two)
	c.SetProvisioned(f, "1", 1)
	var slots []Slot
	for _, at := range []lambda.FunctionID{f, f, f, g} {
		s, err := c.Reserve(at, "1")
		if err != nil {
			t.Fatal(err)
		}
		slots = append(slots, s)
	}
	for _, s := range slots[1:] {
		c.Release(s)
	}
	want := []Usage{{
		Account: "1", Region: "r", Concurrent: 4, Unreserved: 2, Claimed: 5,
		Provisioned: []ProvisionedUsage{{Function: f, Version: "1", Size: 1, Concurrent: 1, Drawn: 1, Spilled: 2}},
	}}
	if got := c.Usage(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	// One is still in flight, drawn from the provisioned part.
	want[0].Concurrent, want[0].Unreserved, want[0].Claimed = 1, 0, 3
	want[0].Provisioned[0].Drawn, want[0].Provisioned[0].Spilled = 0, 0
	if got := c.Usage(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

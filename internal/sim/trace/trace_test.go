package trace

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/placement"
	"github.com/hearthfaas/hearth/internal/workermanager"
)

func TestRead(t *testing.T) {
	got, err := Read(strings.NewReader("function,start_ms,duration_ms\nb,20,1.5\n\na,10,3\n"))
	want := []Invoke{{"a", 10 * time.Millisecond, 3 * time.Millisecond}, {"b", 20 * time.Millisecond, 1500 * time.Microsecond}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v and %v, want %v", got, err, want)
	}
	for _, bad := range []string{"a,1", ",1,2", "a,-1,2", "a,1,NaN", "a,x,2", "a,1,1e300", strings.Repeat("a", 2*lineMax)} {
		if _, err := Read(strings.NewReader(bad)); err == nil {
			t.Errorf("%.40q is read without an error", bad)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("function,start_ms,duration_ms\na,1,2\n")
	f.Add("a,9e9,1e-9\nb,1,2")
	f.Add("a,Inf,0")
	f.Fuzz(func(t *testing.T, text string) {
		invokes, err := Read(strings.NewReader(text))
		for i, inv := range invokes {
			if err != nil || inv.Start < 0 || inv.Duration < 0 || i > 0 && inv.Start < invokes[i-1].Start {
				t.Errorf("got %v beside %v", inv, err)
			}
		}
	})
}

func TestReplayCountsWhatIsColdAndWhatWaits(t *testing.T) {
	cfg := Config{
		KeepAlive: workermanager.Fixed, IdleTimeout: time.Minute, Placement: placement.Balanced,
		Workers: 2, Zones: 2, WorkerMB: 4096,
	}
	at := func(s, lasts int) Invoke {
		return Invoke{"f", time.Duration(s) * time.Second, time.Duration(lasts) * time.Second}
	}
	for _, tt := range []struct {
		name    string
		invokes []Invoke
		cold    int
		idle    time.Duration // of all environments
	}{
		{"one after the other", []Invoke{at(0, 1), at(11, 1), at(22, 1)}, 1, 20 * time.Second},
		{"at the same time", []Invoke{at(0, 10), at(1, 10)}, 2, 0},
		{"after the idle timeout", []Invoke{at(0, 1), at(100, 1)}, 2, time.Minute},
	} {
		r := Replay(cfg, tt.invokes)
		if want := gbs(memoryOf("f"), tt.idle); r.Cold != tt.cold || r.IdleGBs != want || r.NoRoom != 0 {
			t.Errorf("%s: got %+v, want %d cold and %g GB s", tt.name, r, tt.cold, want)
		}
	}
	cfg.WorkerMB = memoryOf("f")
	r := Replay(cfg, []Invoke{at(0, 10), at(1, 10), at(2, 10)})
	if r.Cold != 2 || r.NoRoom != 1 {
		t.Errorf("two workers of one environment each: %+v, want two cold starts and one without room", r)
	}
	r = Replay(cfg, []Invoke{at(0, 1), {"f2", 10 * time.Second, time.Second}, {"f3", 11 * time.Second, 0}})
	if r.NoRoom+r.Evicted == 0 {
		t.Errorf("a full fleet: %+v, want an eviction or none without room", r)
	}
}

func TestASeedGivesTheSameTrace(t *testing.T) {
	s := Synthetic{Seed: 7, Functions: 20, Length: 2 * time.Hour, Rate: 1}
	a := Generate(s)
	if b := Generate(s); len(a) == 0 || !reflect.DeepEqual(a, b) {
		t.Errorf("got %d and %d invokes, want the same", len(a), len(b))
	}
}

//go:build linux

package sandboxtest

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/sandbox"
)

// Benchmark measures what a sandbox adds to a start: from Create to the first
// output of a static Go program, beside the same program run bare in the same loop,
// and the parts. It reports medians: the mean of a cold start says little.
func Benchmark(b *testing.B, open func(testing.TB) sandbox.Driver) {
	d := open(b)
	payload := Payload(b)
	var bare, created, started, output, ended, destroyed, total []time.Duration
	for b.Loop() {
		begin := time.Now()
		if err := exec.CommandContext(b.Context(), payload).Run(); err != nil {
			b.Fatal(err)
		}
		bare = append(bare, time.Since(begin))

		r, w, err := os.Pipe()
		if err != nil {
			b.Fatal(err)
		}
		begin = time.Now()
		last := begin
		lap := func(into *[]time.Duration) {
			now := time.Now()
			*into = append(*into, now.Sub(last))
			last = now
		}
		env, err := d.Create(b.Context(), Spec(payload))
		if err != nil {
			b.Fatal(err)
		}
		lap(&created)
		p, err := env.Start(b.Context(), sandbox.Command{Path: env.Path("/var/task/payload"), Output: w})
		if err != nil {
			b.Fatal(err)
		}
		lap(&started)
		if _, err := r.Read(make([]byte, 1)); err != nil {
			b.Fatal(err)
		}
		lap(&output)
		total = append(total, time.Since(begin))
		<-p.Done()
		lap(&ended)
		if err := env.Destroy(b.Context()); err != nil {
			b.Fatal(err)
		}
		lap(&destroyed)
		r.Close()
		w.Close()
	}
	for _, m := range []struct {
		name string
		laps []time.Duration
	}{
		{"bare", bare},
		{"create", created},
		{"start", started},
		{"output", output},
		{"total", total},
		{"exit", ended},
		{"destroy", destroyed},
	} {
		slices.Sort(m.laps)
		b.ReportMetric(float64(m.laps[len(m.laps)/2].Microseconds()), "µs-"+m.name)
	}
}

package queue

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// childDir names the environment variable that makes the crash test its own child.
const childDir = "HEARTH_QUEUETEST_DIR"

// Goal: what Send acknowledged is there after kill -9, and what Remove acknowledged
// is not, and what is moved between queues is in one of them. Method: a child sends
// from several goroutines, with small and large bodies, removes every third message,
// moves others to a second queue and back all the time, and prints what was
// acknowledged; it is killed in the middle, three times over the same files.
func TestNothingAcknowledgedIsLostWhenTheProcessIsKilled(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		sendUntilKilled(t, dir)
		return
	}
	dir := t.TempDir()
	sent, doubtful, removed := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for round := range 3 {
		for _, line := range killedChild(t, dir, 200*(round+1)) {
			what, id, _ := strings.Cut(line, " ")
			switch what {
			case "sent":
				sent[id] = true
			case "removing":
				doubtful[id] = true
			case "removed":
				removed[id] = true
			}
		}
		e := open(t, dir, time.Now)
		there := map[string]bool{}
		for _, name := range []Name{q1, dead} {
			before := len(there)
			if err := e.Release(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			for {
				got := receive(t, e, name, ReceiveMax, time.Hour)
				if len(got) == 0 {
					break
				}
				for _, m := range got {
					id := string(m.Body[:min(len(m.Body), idLength)])
					if !bytes.Equal(m.Body, bodyOf(id)) {
						t.Fatalf("the body of %s is damaged", id)
					}
					if there[id] {
						t.Errorf("round %d: %s is in two places", round, id)
					}
					there[id] = true
				}
			}
			c, err := e.Counts(name)
			if n := len(there) - before; err != nil || c.InFlight != n || c.Visible+c.Delayed != 0 {
				t.Errorf("counts %+v, %v with %d messages", c, err, n)
			}
		}
		for id := range sent {
			if !doubtful[id] && !there[id] {
				t.Errorf("round %d: %s was acknowledged and is lost", round, id)
			}
		}
		for id := range removed {
			if there[id] {
				t.Errorf("round %d: %s was removed and is back", round, id)
			}
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d messages acknowledged, %d of them removed", len(sent), len(removed))
}

const idLength = 36

// bodyOf is the body of the message with an id; some are large.
func bodyOf(id string) []byte {
	if id[0] < '3' {
		return bytes.Repeat([]byte(id), InlineMax/idLength+1)
	}
	return []byte(id)
}

func sendUntilKilled(t *testing.T, dir string) {
	e, err := Open(context.Background(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []Name{q1, dead} {
		if err := e.Create(context.Background(), name, Settings{}); err != nil {
			t.Fatal(err)
		}
	}
	var out sync.Mutex
	say := func(what, id string) {
		out.Lock()
		defer out.Unlock()
		fmt.Printf("%s %s\n", what, id)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for from, to := q1, dead; ; from, to = to, from {
			if _, err := e.Redrive(context.Background(), from, to, 20); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				id := newID()
				if _, err := e.Send(context.Background(), q1, Outgoing{Body: bodyOf(id)}); err != nil {
					t.Error(err)
					return
				}
				say("sent", id)
				if n%3 != 0 {
					continue
				}
				hide := time.Hour
				got, err := e.Receive(context.Background(), q1, Request{Visibility: &hide})
				if err != nil || len(got) != 1 {
					continue // a large body may still be on its way to others
				}
				id = string(got[0].Body[:idLength])
				say("removing", id) // from now on it may be gone
				if errs, err := e.Remove(context.Background(), q1, got[0].Receipt); err != nil || errs[0] != nil {
					t.Error(err, errs)
					return
				}
				say("removed", id)
			}
		})
	}
	wg.Wait()
}

// killedChild runs a child until it has printed n lines, kills it and returns every
// line that it printed whole.
func killedChild(t *testing.T, dir string, n int) []string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestNothingAcknowledgedIsLostWhenTheProcessIsKilled$", "-test.count=1")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			break
		}
		lines = append(lines, strings.TrimSpace(line))
		if len(lines) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	return lines
}

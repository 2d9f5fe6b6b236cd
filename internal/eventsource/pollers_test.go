package eventsource

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// plane keeps mappings as the control plane does.
type plane struct {
	mu      sync.Mutex // guards what follows
	all     map[string]Mapping
	changed chan struct{}
}

func (p *plane) Mappings() ([]Mapping, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Mapping
	for _, uuid := range slices.Sorted(maps.Keys(p.all)) {
		out = append(out, p.all[uuid])
	}
	return out, p.changed
}

// set changes a mapping, or removes it.
func (p *plane) set(uuid string, change func(*Mapping) (keep bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.all[uuid]
	m.UUID, m.Revision = uuid, m.Revision+1
	if change(&m) {
		p.all[uuid] = m
	} else {
		delete(p.all, uuid)
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// source is polled for a mapping until it ends, and takes some time to let go.
type source struct {
	mu      sync.Mutex // guards what follows
	running map[string]int
	most    int
	seen    []int // batch sizes
	swept   int
}

const lettingGo = 5 * time.Second

func (s *source) Check(_ context.Context, m Mapping) error { return fmt.Errorf("checked %s", m.UUID) }

func (s *source) Poll(ctx context.Context, live *Live) {
	m, changed := live.Now()
	s.note(m, 1)
	defer s.note(m, -1)
	for {
		s.mu.Lock()
		s.seen = append(s.seen, m.Settings.BatchSize)
		s.mu.Unlock()
		select {
		case <-changed:
			m, changed = live.Now()
		case <-ctx.Done():
			time.Sleep(lettingGo)
			return
		}
	}
}

func (s *source) note(m Mapping, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[m.UUID] += n
	s.most = max(s.most, s.running[m.UUID])
}

func (s *source) polled(uuid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[uuid] == 1
}

func (s *source) Sweep(_ context.Context, exists func(string) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !exists("a") {
		s.swept++
	}
	return nil
}

func TestPollersFollowTheMappings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plane{all: map[string]Mapping{}, changed: make(chan struct{})}
		src := &source{running: map[string]int{}}
		s := New(Config{Mappings: p, Sources: map[string]Source{"sqs": src}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			if err := s.Run(ctx); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		on := func(m *Mapping) bool { m.Kind, m.Polling = "sqs", true; return true }
		off := func(m *Mapping) bool { m.Polling = false; return true }

		p.set("a", on)
		p.set("b", on)
		p.set("other", func(m *Mapping) bool { m.Kind, m.Polling = "mq", true; return true })
		synctest.Wait()
		if !src.polled("a") || !src.polled("b") || src.polled("other") {
			t.Fatalf("polled %v", src.running)
		}
		if err := s.Drain(t.Context(), "a"); err != nil || !src.polled("a") {
			t.Errorf("a mapping that is on was drained, %v", err)
		}

		p.set("a", func(m *Mapping) bool { m.Settings.BatchSize = 7; return true })
		synctest.Wait()
		if !slices.Contains(src.seen, 7) || src.most != 1 {
			t.Errorf("the change was not seen by the poller: %v", src.seen)
		}

		// Drain sees the change whether the pollers did already or not.
		p.set("a", off)
		begin := time.Now()
		if err := s.Drain(t.Context(), "a"); err != nil || src.polled("a") || time.Since(begin) != lettingGo {
			t.Errorf("drained after %v, %v", time.Since(begin), err)
		}
		if err := s.Drain(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		p.set("b", off)
		short, stop := context.WithTimeout(t.Context(), time.Second)
		if err := s.Drain(short, "b"); err == nil {
			t.Error("a drain that is too short says nothing")
		}
		stop()

		// Enabled again while the last batch runs: one follows the other.
		p.set("b", on)
		synctest.Wait()
		time.Sleep(lettingGo)
		synctest.Wait()
		if !src.polled("b") || src.most != 1 {
			t.Errorf("polled %v, at most %d at a time", src.running, src.most)
		}

		p.set("a", func(*Mapping) bool { return false })
		synctest.Wait()
		if src.swept != 2 { // at the start there was no mapping either
			t.Errorf("swept %d times", src.swept)
		}
		cancel()
		<-done
		if src.polled("b") {
			t.Error("the service ended before its pollers")
		}
	})
}

func TestKindsThatAreNotPolledPass(t *testing.T) {
	s := New(Config{Mappings: &plane{changed: make(chan struct{})}, Sources: map[string]Source{"sqs": &source{}}})
	if !s.Serves("sqs") || s.Serves("mq") {
		t.Error("it serves what it has sources for")
	}
	if err := s.Check(t.Context(), Mapping{Kind: "mq"}); err != nil {
		t.Error(err)
	}
	if err := s.Check(t.Context(), Mapping{Kind: "sqs", UUID: "x"}); err == nil || err.Error() != "checked x" {
		t.Error(err)
	}
}

func TestFiltersLookIntoTheData(t *testing.T) {
	f, err := NewFilter([]string{`{"body":{"n":[{"numeric":[">",5]}]}}`, `{"attributes":{"kind":["x"]}}`}, "body")
	if err != nil {
		t.Fatal(err)
	}
	for record, want := range map[string]bool{
		`{"body":"{\"n\":6}"}`:                           true,
		`{"body":"{\"n\":5}"}`:                           false,
		`{"body":"plain"}`:                               false,
		`{"body":"{\"n\":1}","attributes":{"kind":"x"}}`: true,
		`no JSON`: false,
		`{"body":"{\"n\":1}","attributes":{"kind":["y"]}}`:   false,
		`{"body":"plain","attributes":{"kind":"x","n":"1"}}`: true,
	} {
		if got := f.Match([]byte(record)); got != want {
			t.Errorf("%s: got %t", record, got)
		}
	}
	if all, err := NewFilter(nil, "body"); err != nil || !all.Match([]byte(`anything`)) {
		t.Errorf("no patterns let everything pass, %v", err)
	}
	if _, err := NewFilter([]string{`{"a":1}`}, ""); err == nil {
		t.Error("a pattern whose leaf is no list was taken")
	}
}

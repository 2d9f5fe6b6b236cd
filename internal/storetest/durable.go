package storetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/hearthfaas/hearth/internal/store"
)

// childDir names the environment variable that makes RunDurable the child of its
// own crash test.
const childDir = "HEARTH_STORETEST_DIR"

// RunDurable checks that an engine keeps what it acknowledged. openAt opens the
// store that lies in dir, an empty one the first time. It must be called from a
// test function, not from a subtest: the crash test runs that function again in
// another process.
func RunDurable(t *testing.T, openAt func(dir string) (store.Store, error)) {
	if dir := os.Getenv(childDir); dir != "" {
		applyUntilKilled(t, openAt, dir)
		return
	}
	t.Run("records and revisions are there after reopening", func(t *testing.T) { reopen(t, openAt) })
	test := t.Name()
	t.Run("nothing acknowledged is lost when the process is killed", func(t *testing.T) { crash(t, test, openAt) })
}

func reopen(t *testing.T, openAt func(string) (store.Store, error)) {
	dir := t.TempDir()
	s := mustOpen(t, openAt, dir)
	kept := apply(t, s, store.Change{Kind: "k", Key: "kept", Value: []byte("v")})
	gone := apply(t, s, store.Change{Kind: "k", Key: "gone", Value: []byte("v")})
	apply(t, s, store.Change{Kind: "k", Key: "gone"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, openAt, dir)
	defer s.Close()
	got, err := s.Get(t.Context(), "k", "kept")
	if err != nil || !equal(got, kept[0]) {
		t.Errorf("got %+v, %v, want %+v", got, err, kept[0])
	}
	if _, err := s.Get(t.Context(), "k", "gone"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	next := apply(t, s, store.Change{Kind: "k", Key: "next", Value: []byte("v")})
	if next[0].Revision <= gone[0].Revision+1 {
		t.Errorf("revision %d was given out before the restart", next[0].Revision)
	}
}

// crash: a child process writes from several goroutines and prints each key once
// Apply has returned. It is killed in the middle, several times over the same
// files; every key that it printed must be there with its value, and both halves
// of every pair or neither.
func crash(t *testing.T, test string, openAt func(string) (store.Store, error)) {
	dir := t.TempDir()
	var acknowledged []string
	for round := range 3 {
		acknowledged = append(acknowledged, killedChild(t, test, dir, 100*(round+1))...)
		s := mustOpen(t, openAt, dir)
		for _, key := range acknowledged {
			rec, err := s.Get(t.Context(), "first", key)
			if err != nil || string(rec.Value) != valueOf(key) {
				t.Errorf("round %d: acknowledged %s: got %.20q, %v", round, key, rec.Value, err)
			}
		}
		checkPairs(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d acknowledged records survived 3 kills", len(acknowledged))
}

// killedChild runs a child until it has acknowledged n keys, kills it and returns
// every key that it printed whole.
func killedChild(t *testing.T, test, dir string, n int) []string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^"+regexp.QuoteMeta(test)+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var keys []string
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		if key, ok := strings.CutPrefix(line, "ack "); ok {
			keys = append(keys, strings.TrimSuffix(key, "\n"))
		}
		if len(keys) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(keys) < n {
		t.Fatalf("the child ended with %v after %d keys, want it killed after %d", err, len(keys), n)
	}
	return keys
}

func applyUntilKilled(t *testing.T, openAt func(string) (store.Store, error), dir string) {
	s := mustOpen(t, openAt, dir)
	var mu sync.Mutex
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	together(8, func(i int) {
		for j := 0; ctx.Err() == nil; j++ {
			key := fmt.Sprintf("%d/%d/%d", os.Getpid(), i, j)
			_, err := s.Apply(ctx,
				store.Change{Kind: "first", Key: key, Value: []byte(valueOf(key)), If: store.Absent},
				store.Change{Kind: "second", Key: key, Value: []byte(key)},
			)
			if err != nil {
				t.Error(err)
				cancel()
				return
			}
			mu.Lock()
			_, err = fmt.Fprintf(os.Stdout, "ack %s\n", key)
			mu.Unlock()
			if err != nil {
				cancel()
			}
		}
	})
}

// valueOf makes a value that spans pages for some keys.
func valueOf(key string) string { return strings.Repeat(key+"|", 1+len(key)*int(key[len(key)-1]-'0')) }

func checkPairs(t *testing.T, s store.Store) {
	t.Helper()
	after, n := "", 0
	for {
		page, err := s.List(t.Context(), "first", "", after, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range page {
			if _, err := s.Get(t.Context(), "second", rec.Key); err != nil {
				t.Errorf("half a transaction: %s: %v", rec.Key, err)
			}
			n++
		}
		if len(page) < 100 {
			break
		}
		after = page[len(page)-1].Key
	}
	second, err := s.List(t.Context(), "second", "", "", n+1)
	if err != nil || len(second) != n {
		t.Errorf("%d records of the second kind, %v, want %d", len(second), err, n)
	}
}

func mustOpen(t *testing.T, openAt func(string) (store.Store, error), dir string) store.Store {
	t.Helper()
	s, err := openAt(dir)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/runtimeapi"
	"github.com/hearthfaas/hearth/internal/runtimes"
	"github.com/hearthfaas/hearth/internal/sandbox"
)

// A blank is an execution environment that was made before it is known for which
// function: the sandbox with the runtime's files, its network and, where the runtime
// speaks the private channel, the runtime's process, booted and waiting. It is
// assigned to one function version once and ends with it. Blanks of one recipe are
// alike.
type blank struct {
	id      lambda.SandboxID
	sandbox sandbox.Environment
	network network
	// The runtime's process and what belongs to it; nil when only the sandbox is ready.
	log     *logPipe
	process sandbox.Process
	channel runtimeapi.Conn
}

// recipe is what blanks of a kind are made of.
type recipe struct {
	plan runtimes.Plan // without a function's own mounts
	// memoryMB bounds the runtime's process, whose own limits follow from it; 0 is for
	// sandboxes without a process.
	memoryMB int
}

// key tells recipes apart: environments of equal keys are made in the same way.
func (r recipe) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q %q %q %d", r.plan.Path, r.plan.Args, r.plan.Env, r.plan.Dir, r.memoryMB)
	for _, m := range r.plan.Mounts {
		fmt.Fprintf(&b, " %q %q", m.Source, m.Target)
	}
	return b.String()
}

// boots says that the recipe's runtime is started ahead.
func (r recipe) boots() bool { return r.memoryMB > 0 }

// recipeFor is what an environment of a version could be made of ahead; ok is false
// when it must be made from scratch.
func (w *Worker) recipeFor(v *lambda.Version, plan runtimes.Plan) (r recipe, own []sandbox.Mount, ok bool) {
	if w.cfg.BootAhead == 0 || !w.caps.Assign || v.EphemeralMB != lambda.EphemeralMinMB {
		return recipe{}, nil, false
	}
	shared, own := plan.Split()
	r = recipe{plan: shared}
	if plan.Private {
		r.memoryMB = v.MemoryMB
		for name := range v.Environment {
			if runtimes.ReadAtBoot(name) {
				r.memoryMB = 0 // the process starts with its variables
			}
		}
	}
	if !r.boots() {
		// Only what lies in the sandbox counts.
		r.plan = runtimes.Plan{Mounts: shared.Mounts}
	}
	return r, own, true
}

// stock keeps blanks ready, of the recipes that were asked for of late.
type stock struct {
	worker *Worker
	log    *slog.Logger
	wake   chan struct{} // something may have to be made

	mu      sync.Mutex // guards what follows
	shelves map[string]*shelf
}

func newStock(w *Worker) *stock {
	return &stock{worker: w, log: w.log, wake: make(chan struct{}, 1), shelves: map[string]*shelf{}}
}

// shelf is the blanks of one recipe.
type shelf struct {
	recipe recipe
	demand demand
	ready  []*blank
	making bool
	// waiter takes the blank that is being made, as soon as it is.
	waiter chan *blank
	// again is when a recipe that failed may be tried again.
	again time.Time
}

// expect says that an environment of a recipe may be wanted soon.
func (s *stock) expect(r recipe) {
	s.mu.Lock()
	s.shelf(r).demand.expect(time.Now())
	s.mu.Unlock()
	s.kick()
}

// take returns a blank of a recipe, or nil when there is none and none is under way.
func (s *stock) take(ctx context.Context, r recipe) *blank {
	s.mu.Lock()
	sh := s.shelf(r)
	sh.demand.take(time.Now())
	if n := len(sh.ready); n > 0 {
		b := sh.ready[n-1]
		sh.ready = sh.ready[:n-1]
		s.mu.Unlock()
		s.kick()
		return b
	}
	if !sh.making || sh.waiter != nil {
		s.mu.Unlock()
		s.kick()
		return nil
	}
	// It will be ready before a second one could be.
	ch := make(chan *blank, 1)
	sh.waiter = ch
	s.mu.Unlock()
	select {
	case b := <-ch:
		return b
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		if sh.waiter == ch {
			sh.waiter = nil
		} else if b := <-ch; b != nil {
			sh.ready = append(sh.ready, b) // run ends it when it ends
		}
		return nil
	}
}

// shelf returns a recipe's shelf, making it; the mutex is held.
func (s *stock) shelf(r recipe) *shelf {
	key := r.key()
	sh := s.shelves[key]
	if sh == nil {
		sh = &shelf{recipe: r}
		s.shelves[key] = sh
	}
	return sh
}

func (s *stock) kick() {
	select {
	case s.wake <- struct{}{}:
	default: // it has been woken already
	}
}

// stockTick is how often shelves are looked at that nobody asks for.
const stockTick = 5 * time.Second

// run makes blanks and ends those that nobody wants any more, until ctx ends; then it
// ends all of them.
func (s *stock) run(ctx context.Context) {
	tick := time.NewTicker(stockTick)
	defer tick.Stop()
	for {
		for ctx.Err() == nil && s.step(ctx) {
		}
		select {
		case <-s.wake:
		case <-tick.C:
		case <-ctx.Done():
			s.close()
			return
		}
	}
}

// retryAfter is how long a recipe rests that could not be made.
const retryAfter = 10 * time.Second

// step does the one thing that is most wanted, and reports whether there was any.
func (s *stock) step(ctx context.Context) bool {
	if s.worker.opening.Load() > 0 {
		return false // invokes wait for those; the end of each wakes us
	}
	most := s.most(ctx)
	s.mu.Lock()
	now := time.Now()
	sh, drop := next(s.shelves, most, now)
	if drop != nil {
		s.mu.Unlock()
		s.end(drop)
		return true
	}
	if sh == nil {
		s.mu.Unlock()
		return false
	}
	sh.making = true
	s.mu.Unlock()
	b, err := s.worker.makeBlank(ctx, sh.recipe)
	if err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "an environment could not be made ahead", "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sh.making = false
	if err != nil {
		sh.again = now.Add(retryAfter)
	}
	switch {
	case sh.waiter != nil:
		sh.waiter <- b // it has room; nil says that there is none
		sh.waiter = nil
	case b != nil:
		sh.ready = append(sh.ready, b)
	}
	return true
}

// stockFreeMB is what must be free on the host for anything to be kept ahead. It is more
// than placement leaves free (placement.HeadroomMB and a new environment), so that the
// stock makes way before any warm environment does.
const stockFreeMB = 1024

// most is how many blanks the host's memory allows for.
func (s *stock) most(ctx context.Context) int {
	if s.worker.cfg.FreeMB == nil {
		return s.worker.cfg.BootAhead
	}
	free, err := s.worker.cfg.FreeMB()
	if err != nil {
		s.log.WarnContext(ctx, "nothing is made ahead while the free memory is unknown", "error", err)
		return 0
	}
	if free < stockFreeMB {
		return 0
	}
	return s.worker.cfg.BootAhead
}

// next decides what to do: the shelf to make a blank for, or blanks to end. It forgets
// shelves that are of no more use.
func next(shelves map[string]*shelf, most int, now time.Time) (todo *shelf, drop []*blank) {
	total := 0
	for _, sh := range shelves {
		total += len(sh.ready)
	}
	var victim *shelf
	for key, sh := range shelves {
		want := sh.demand.target(now)
		if most == 0 {
			want = 0
		}
		switch {
		case len(sh.ready) > want:
			drop = append(drop, sh.ready[want:]...)
			sh.ready = sh.ready[:want]
		case len(sh.ready) < want && now.After(sh.again) && (todo == nil || sh.demand.last.After(todo.demand.last)):
			todo = sh
		}
		if sh.demand.target(now) == 0 && len(sh.ready) == 0 && !sh.making && sh.waiter == nil {
			delete(shelves, key)
		}
		if len(sh.ready) > 0 && (victim == nil || sh.demand.last.Before(victim.demand.last)) {
			victim = sh
		}
	}
	if drop != nil {
		return nil, drop
	}
	if todo == nil || total < most {
		return todo, nil
	}
	// All places are taken. A recipe without any gets that of one not asked for lately.
	if len(todo.ready) == 0 && victim != nil && victim.demand.last.Before(todo.demand.last) {
		drop = victim.ready[:1]
		victim.ready = victim.ready[1:]
		return nil, drop
	}
	return nil, nil
}

// close ends every blank.
func (s *stock) close() {
	s.mu.Lock()
	var all []*blank
	for _, sh := range s.shelves {
		all = append(all, sh.ready...)
		sh.ready = nil
	}
	s.mu.Unlock()
	s.end(all)
}

func (s *stock) end(blanks []*blank) {
	ctx, cancel := context.WithTimeout(context.Background(), resetTimeout)
	defer cancel()
	for _, b := range blanks {
		if err := b.close(ctx); err != nil {
			s.log.ErrorContext(ctx, "an environment made ahead did not end", "sandbox_id", b.id, "error", err)
		}
	}
}

// bootAheadMax bounds the boot of a process ahead; an interpreter takes 30 ms.
const bootAheadMax = 20 * time.Second

// makeBlank makes a blank from scratch.
func (w *Worker) makeBlank(ctx context.Context, r recipe) (_ *blank, err error) {
	ctx, cancel := context.WithTimeout(ctx, bootAheadMax)
	defer cancel()
	b := &blank{id: lambda.NewSandboxID()}
	defer func() {
		if err != nil {
			endCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resetTimeout)
			defer cancel()
			err = errors.Join(err, b.close(endCtx))
		}
	}()
	b.sandbox, err = w.driver.Create(ctx, sandbox.Spec{
		ID: b.id, Mounts: r.plan.Mounts, MemoryMB: r.memoryMB, TmpMB: lambda.EphemeralMinMB,
		ProcessesMax: lambda.ProcessesMax, FilesMax: lambda.FilesMax,
	})
	if err != nil {
		return nil, err
	}
	if b.network, err = w.openNetwork(ctx, b.sandbox); err != nil {
		return nil, err
	}
	if !r.boots() {
		return b, nil
	}
	if b.log, err = newLogPipe(LogStream{}, nil); err != nil {
		return nil, err
	}
	vars := append([]string{
		runtimeapi.AssignmentVariable + "=1",
		"AWS_ENDPOINT_URL=" + b.network.endpointURL,
		"AWS_LAMBDA_RUNTIME_API=" + b.network.runtimeAPI,
		"LAMBDA_TASK_ROOT=/var/task",
		"LAMBDA_RUNTIME_DIR=/var/runtime",
	}, r.plan.Env...)
	ours, err := startPrivate(ctx, b.sandbox, b.log, r.plan, vars, &b.process)
	if err != nil {
		return nil, err
	}
	b.channel = ours
	if err := runtimeapi.AwaitWaiting(ctx, ours); err != nil {
		return nil, err
	}
	return b, nil
}

// ended says that the process of a blank is gone.
func (b *blank) ended() bool {
	if b.process == nil {
		return false
	}
	select {
	case <-b.process.Done():
		return true
	default:
		return false
	}
}

// close ends a blank that was not assigned.
func (b *blank) close(ctx context.Context) error {
	var err error
	if b.channel != nil {
		err = b.channel.Close()
	}
	b.network.close()
	if b.sandbox != nil {
		err = errors.Join(err, b.sandbox.Destroy(ctx))
	}
	if b.log != nil {
		b.log.discard()
	}
	return err
}

// unused lets go of what an environment took over and did not come to use; the sandbox
// and the network are the environment's. log is the one that it closes itself.
func (b *blank) unused(log *logPipe) error {
	if b.log != nil && b.log != log {
		b.log.discard()
	}
	if b.channel != nil {
		return b.channel.Close()
	}
	return nil
}

package sqs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
	"github.com/hearthfaas/hearth/internal/store"
)

// The states of a message move task (API reference, ListMessageMoveTasks).
const (
	taskRunning    = "RUNNING"
	taskCompleted  = "COMPLETED"
	taskCancelling = "CANCELLING"
	taskCancelled  = "CANCELLED"
	taskFailed     = "FAILED"
)

const (
	// tasksKept is how many tasks of a queue are remembered: as many as can be listed.
	tasksKept = 10
	// tasksMax is the most tasks of an account and region that run at the same time
	// (API reference, StartMessageMoveTask).
	tasksMax = 100
	// rateMax is the most messages a second that a task may be told to move (same
	// place).
	rateMax = 500
	// moveStep is how many messages one transaction moves: few enough that nobody
	// waits for it, enough that its sync to disk is spread over many.
	moveStep = 100
	// movePause is between the steps of a task with a rate: a step is small and the
	// messages come evenly.
	movePause = 100 * time.Millisecond
	// moveSave is how often a task's count reaches the disk while it runs.
	moveSave = time.Second
)

// task is one move of messages out of a dead-letter queue, as it is stored. The
// messages themselves move in transactions of the engine: whatever the count says
// after a crash, none is there twice or lost.
type task struct {
	ID          string     `json:"id"`
	Source      queue.Name `json:"source"`
	Destination queue.Name `json:"destination,omitzero"` // none: each to where it came from
	Rate        int32      `json:"rate,omitempty"`       // messages a second; 0 sets no bound
	Started     int64      `json:"started"`              // milliseconds since 1970
	State       string     `json:"state"`
	Moved       int64      `json:"moved"`
	ToMove      int64      `json:"to_move"`
	Failure     string     `json:"failure,omitempty"`
}

func (t *task) over() bool { return t.State != taskRunning && t.State != taskCancelling }

// key orders the tasks of a queue by age.
func (t *task) key() string {
	return fmt.Sprintf("%s%020d/%s", sourceKey(t.Source), t.Started, t.ID)
}

func sourceKey(n queue.Name) string { return n.Account + "/" + n.Region + "/" + n.Name + "/" }

// mover keeps the tasks and runs them.
type mover struct {
	store store.Store
	table store.Table[task]

	mu    sync.Mutex // guards tasks
	tasks map[queue.Name][]*task
	begun chan struct{} // has an element when tasks wait for Run
	idle  []*task       // what Run has not taken up yet
}

// load reads the tasks; those that were running go on.
func (m *mover) load(ctx context.Context, s store.Store) error {
	m.store, m.table = s, store.NewTable[task](s, "sqs-move-task")
	m.tasks, m.begun = map[queue.Name][]*task{}, make(chan struct{}, 1)
	for row, err := range m.table.All(ctx, "") {
		if err != nil {
			return fmt.Errorf("read the message move tasks: %w", err)
		}
		t := row.Value
		m.tasks[t.Source] = append(m.tasks[t.Source], &t)
		if !t.over() {
			m.idle = append(m.idle, &t)
		}
	}
	m.signal()
	return nil
}

func (m *mover) signal() {
	select {
	case m.begun <- struct{}{}:
	default:
	}
}

// list are copies of a queue's tasks, the latest first.
func (m *mover) list(source queue.Name) []task {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []task
	for _, t := range slices.Backward(m.tasks[source]) {
		out = append(out, *t)
	}
	return out
}

var (
	errTaskRuns = lambda.Errorf(codeUnsupported, "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	errTasksMax = lambda.Errorf(codeOverLimit, "There are %d active message movement tasks, the most at a given time.", tasksMax)
	errNoTask   = lambda.Errorf(codeNotFound, "Task does not exist.")
	errTaskOver = lambda.Errorf(codeUnsupported, "Only active tasks can be cancelled.")
)

// start stores a task and has Run take it up.
func (m *mover) start(ctx context.Context, t task) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	active := 0
	for name, tasks := range m.tasks {
		for _, other := range tasks {
			if other.over() {
				continue
			}
			if name == t.Source {
				return errTaskRuns
			}
			if name.Account == t.Source.Account && name.Region == t.Source.Region {
				active++
			}
		}
	}
	if active >= tasksMax {
		return errTasksMax
	}
	kept := m.tasks[t.Source]
	put, err := m.table.PutChange(t.key(), t, 0)
	if err != nil {
		return err
	}
	changes := []store.Change{put}
	for len(kept) >= tasksKept {
		changes = append(changes, m.table.DeleteChange(kept[0].key(), 0))
		kept = kept[1:]
	}
	if err := m.apply(ctx, changes...); err != nil {
		return err
	}
	m.tasks[t.Source] = append(slices.Clone(kept), &t)
	m.idle = append(m.idle, &t)
	m.signal()
	return nil
}

func (m *mover) apply(ctx context.Context, changes ...store.Change) error {
	_, err := m.store.Apply(ctx, changes...)
	return err
}

// cancel asks a running task to end and says how much it has moved.
func (m *mover) cancel(ctx context.Context, source queue.Name, id string) (moved int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.tasks[source] {
		if t.ID != id {
			continue
		}
		if t.State != taskRunning {
			return 0, errTaskOver
		}
		next := *t
		next.State = taskCancelling
		if _, err := m.table.Put(ctx, t.key(), next, 0); err != nil {
			return 0, err
		}
		*t = next
		return t.Moved, nil
	}
	return 0, errNoTask
}

// forget drops the tasks of a queue that was deleted; one that runs ends by itself.
func (m *mover) forget(ctx context.Context, source queue.Name) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var changes []store.Change
	for _, t := range m.tasks[source] {
		changes = append(changes, m.table.DeleteChange(t.key(), 0))
		if !t.over() {
			t.State = taskCancelling
		}
	}
	if len(changes) == 0 {
		return nil
	}
	delete(m.tasks, source)
	return m.apply(ctx, changes...)
}

// waiting are the tasks that nobody runs yet.
func (m *mover) waiting() []*task {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := m.idle
	m.idle = nil
	return out
}

// Run moves messages for as long as ctx lasts.
func (s *Service) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.mover.begun:
			for _, t := range s.mover.waiting() {
				running.Go(func() { s.runTask(ctx, t) })
			}
		}
	}
}

// runTask moves messages until there are none, or somebody or something ends it.
func (s *Service) runTask(ctx context.Context, t *task) {
	began, saved := s.cfg.Now(), s.cfg.Now()
	var moved int64 // by this run of the process
	for ctx.Err() == nil {
		now := s.cfg.Now()
		if s.mover.cancelling(t) {
			s.finish(ctx, t, moved, taskCancelled, "")
			return
		}
		n := pace(t.Rate, now.Sub(began), moved)
		if n > 0 {
			done, err := s.cfg.Queues.Redrive(ctx, t.Source, t.Destination, n)
			moved += int64(done)
			s.mover.count(t, int64(done))
			switch {
			case ctx.Err() != nil:
				return
			case done > 0:
				// What has nowhere to go is met again.
			case err != nil:
				s.finish(ctx, t, moved, taskFailed, failure(err))
				return
			default:
				s.finish(ctx, t, moved, taskCompleted, "")
				return
			}
		}
		if now.Sub(saved) >= moveSave {
			saved = now
			s.mover.save(ctx, t, s.cfg.Log.WarnContext)
		}
		if t.Rate > 0 && !sleep(ctx, movePause) {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// pace is how many messages a task may move now, of a rate a second (0 sets no bound),
// after so much time and so many moved. It begins with a pause's worth.
func pace(rate int32, passed time.Duration, moved int64) int {
	if rate == 0 {
		return moveStep
	}
	due := int64(passed+movePause) * int64(rate) / int64(time.Second)
	if moved == 0 {
		due = max(due, 1)
	}
	return int(min(max(due-moved, 0), moveStep))
}

// failure is the reason that AWS gives for what ended a task.
func failure(err error) string {
	switch {
	case errors.Is(err, queue.ErrNoOrigin):
		return "CouldNotDetermineMessageSource"
	case errors.Is(err, queue.ErrNoQueue):
		return "AWS.SimpleQueueService.NonExistentQueue"
	}
	return "InternalError"
}

func (s *Service) finish(ctx context.Context, t *task, moved int64, state, why string) {
	s.mover.end(t, state, why)
	s.mover.save(ctx, t, s.cfg.Log.WarnContext)
	if state == taskFailed {
		s.cfg.Log.InfoContext(ctx, "a message move task failed", "queue", t.Source.Name, "moved", moved, "reason", why)
	}
}

func (m *mover) cancelling(t *task) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return t.State == taskCancelling
}

func (m *mover) count(t *task, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t.Moved += n
}

func (m *mover) end(t *task, state, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t.State, t.Failure = state, why
}

// save stores how far a task is, unless its queue is gone. A task that cannot be
// stored goes on: its count is approximate.
func (m *mover) save(ctx context.Context, t *task, warn func(context.Context, string, ...any)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.tasks[t.Source], t) {
		return
	}
	if _, err := m.table.Put(ctx, t.key(), *t, 0); err != nil && ctx.Err() == nil {
		warn(ctx, "storing a message move task", "queue", t.Source.Name, "error", err)
	}
}

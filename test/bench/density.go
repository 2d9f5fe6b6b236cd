package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"golang.org/x/sync/errgroup"

	"github.com/hearthfaas/hearth/internal/harness"
)

const (
	// densitySandboxes is the goal on a machine of 24 GB.
	densitySandboxes = 1000
	// densityTime is for how long they are then called at random.
	densityTime = time.Minute
	// densityCallers is how many calls are under way at once, of starts and of events.
	densityCallers = 16
	// bareNodes is how many bare runtimes the floor of the creation rate is taken with.
	bareNodes = 60
)

// birthSource is a handler that tells which environment answers.
const birthSource = `
const born = require('node:crypto').randomUUID();
exports.handler = async () => born;`

// density fills the machine with warm environments, one for each of as many
// functions, and calls them at random: all must answer, each out of the environment
// that it had at first.
func (b *bench) density(ctx context.Context) error {
	if b.node == "" {
		return errors.New("this machine has no Node")
	}
	floor, err := b.bareRate(ctx)
	if err != nil {
		return err
	}
	h, err := b.up(ctx, "density")
	if err != nil {
		return err
	}
	defer func() { _ = h.Stop() }()
	n := b.count(densitySandboxes)
	p, err := b.populate(ctx, h, n)
	if err != nil {
		return err
	}
	free, err := availableMemory()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := p.grow(ctx, n); err != nil {
		return err
	}
	rate := float64(n) / time.Since(began).Seconds()
	b.rep.add(fmt.Sprintf("%d warm Node environments are made", n), "",
		figure{"made", rate, "/s"}, figure{"bare node, alone", floor, "/s"}, figure{"of bare", rate / floor, ""})
	calls, err := p.roam(ctx, densityCallers, b.span(densityTime))
	if err != nil {
		return err
	}
	b.rep.add("called at random, 16 at a time", "none lost, none made anew",
		figure{"calls", float64(calls.answered), ""}, figure{"lost", float64(calls.lost), ""}, figure{"made anew", float64(calls.anew), ""},
		micros("p50", median(calls.times)), micros("p99", quantile(sorted(calls.times), 0.99)))
	if calls.first != nil {
		b.rep.fail("density", calls.first)
	}
	if err := wait(ctx, 2*time.Second); err != nil { // until they are frozen
		return err
	}
	return b.densityFootprint(h, n, free)
}

// densityFootprint reports what the environments take of the host.
func (b *bench) densityFootprint(h *hearth, n int, free int64) error {
	foot := h.Footprint()
	var inside int64
	stopped := 0
	for _, p := range foot.Processes {
		if pss, err := proportional(p.PID); err == nil {
			inside += pss
		}
		if state(p.PID) == "T" {
			stopped++
		}
	}
	own, err := proportional(h.PID())
	if err != nil {
		return err
	}
	now, err := availableMemory()
	if err != nil {
		return err
	}
	each := func(name string, bytes int64) figure { return megabytes(name, float64(bytes)/float64(n)) }
	b.rep.add("memory of each", "", each("processes", inside), each("hearth", own), each("of the host's, all in all", free-now))
	b.rep.add("what Hearth holds", "",
		figure{"threads", entries(h.PID(), "task"), ""}, figure{"descriptors", entries(h.PID(), "fd"), ""},
		figure{"processes inside", float64(len(foot.Processes)), ""}, figure{"of them stopped", float64(stopped), ""},
		figure{"cgroup directories", float64(len(foot.Cgroups)), ""}, figure{"loop devices", float64(len(foot.Loops)), ""},
		figure{"mounts seen", lines(fmt.Sprintf("/proc/%d/mountinfo", h.PID())), ""})
	return nil
}

// population is functions of one environment each.
type population struct {
	h       *hearth
	targets []target
	born    []string // the environment of each, by what its first answer was
}

// populate makes n functions of one package and signs a request to each.
func (b *bench) populate(ctx context.Context, h *hearth, n int) (*population, error) {
	zip, err := harness.ZipFiles(map[string]string{"index.js": birthSource})
	if err != nil {
		return nil, err
	}
	role, err := iam.NewFromConfig(h.aws).CreateRole(ctx, &iam.CreateRoleInput{
		RoleName:                 new("density"),
		AssumeRolePolicyDocument: new(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	if err != nil {
		return nil, fmt.Errorf("make the role: %w", err)
	}
	err = createFunctions(ctx, h, &lambda.CreateFunctionInput{
		Runtime: types.Runtime(b.node), Handler: new("index.handler"), Role: role.Role.Arn, MemorySize: new(int32(128)), Timeout: new(int32(30)),
		Code: &types.FunctionCode{ZipFile: zip},
	}, 0, n)
	if err != nil {
		return nil, err
	}
	p := &population{h: h}
	for i := range n {
		t, err := signedInvoke(ctx, h, numbered(i), `{}`)
		if err != nil {
			return nil, err
		}
		p.targets = append(p.targets, t)
	}
	return p, nil
}

// grow calls functions for the first time until n have an environment.
func (p *population) grow(ctx context.Context, n int) error {
	have := len(p.born)
	p.born = append(p.born, make([]string, n-have)...)
	var next atomic.Int64
	next.Store(int64(have))
	g, ctx := errgroup.WithContext(ctx)
	for range densityCallers {
		g.Go(func() error {
			c, err := p.targets[0].dial(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				c.t = p.targets[i]
				if err := c.do(); err != nil {
					return fmt.Errorf("the first call of function %d: %w", i, err)
				}
				p.born[i] = string(c.body)
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// roaming is how a time of random calls went.
type roaming struct {
	answered, lost, anew int
	times                []time.Duration
	first                error
}

// roam calls random functions for a time, from so many callers.
func (p *population) roam(ctx context.Context, callers int, d time.Duration) (all roaming, err error) {
	until := time.Now().Add(d)
	var mu sync.Mutex // guards all
	// A function that is being called would need a second environment.
	busy := make([]atomic.Bool, len(p.born))
	g, ctx := errgroup.WithContext(ctx)
	for range callers {
		g.Go(func() error {
			c, err := p.targets[0].dial(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			var own roaming
			for ctx.Err() == nil && time.Now().Before(until) {
				i := rand.IntN(len(p.born))
				if busy[i].Swap(true) {
					continue
				}
				c.t = p.targets[i]
				start := time.Now()
				err := c.do()
				busy[i].Store(false)
				own.times = append(own.times, time.Since(start))
				var bad *badAnswer
				switch {
				case errors.As(err, &bad):
					own.lost++
					own.first = err
				case err != nil:
					return err
				case string(c.body) != p.born[i]:
					own.anew++
					own.first = fmt.Errorf("function %d has another environment than before", i)
				default:
					own.answered++
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all.answered, all.lost, all.anew = all.answered+own.answered, all.lost+own.lost, all.anew+own.anew
			all.times = append(all.times, own.times...)
			if all.first == nil {
				all.first = own.first
			}
			return ctx.Err()
		})
	}
	return all, g.Wait()
}

// bareRate is how many bare Node processes a second this machine starts, as many at
// once as starts are under way in Hearth, until each has run an empty program.
func (b *bench) bareRate(ctx context.Context) (float64, error) {
	path, err := b.interpreter(ctx, b.node)
	if err != nil {
		return 0, err
	}
	n := b.count(bareNodes)
	var all []*exec.Cmd
	defer func() {
		for _, c := range all {
			_ = c.Process.Kill()
			_ = c.Wait() // it says that it was killed
		}
	}()
	var mu sync.Mutex // guards all
	began := time.Now()
	g, starting := errgroup.WithContext(ctx)
	g.SetLimit(densityCallers)
	for range n {
		g.Go(func() error {
			c := exec.CommandContext(ctx, path, "-e", "setInterval(() => {}, 1e6); console.log(1)")
			c.Env = cleanEnv
			out, err := c.StdoutPipe()
			if err == nil {
				err = c.Start()
			}
			if err != nil {
				return fmt.Errorf("start the bare runtime: %w", err)
			}
			mu.Lock()
			all = append(all, c)
			mu.Unlock()
			if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
				return fmt.Errorf("wait for the bare runtime: %w", err)
			}
			return starting.Err()
		})
	}
	err = g.Wait()
	return float64(n) / time.Since(began).Seconds(), err
}

// availableMemory is MemAvailable of proc_meminfo(5), in bytes.
func availableMemory() (int64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("read the free memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		var kb int64
		if _, err := fmt.Sscanf(line, "MemAvailable: %d kB", &kb); err == nil {
			return kb << 10, nil
		}
	}
	return 0, errors.New("/proc/meminfo has no MemAvailable")
}

// entries is how many entries a directory of a process has.
func entries(pid int, dir string) float64 {
	all, err := os.ReadDir(filepath.Join("/proc", fmt.Sprint(pid), dir))
	if err != nil {
		return -1
	}
	return float64(len(all))
}

// lines is how many lines a file has.
func lines(path string) float64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return -1
	}
	return float64(bytes.Count(text, []byte("\n")))
}

// state is a process's state letter (proc(5), stat).
func state(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) == 0 {
		return ""
	}
	return fields[0]
}

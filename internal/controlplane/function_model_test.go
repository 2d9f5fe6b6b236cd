package controlplane

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/mem"
	"github.com/hearthfaas/hearth/internal/store/sqlite"
)

// The model: one function as a caller sees it, one operation at a time. It says
// nothing of how the control plane works.

// modelFunction is a function, or with exists false none. Descriptions stand for all
// configuration.
type modelFunction struct {
	exists      bool
	code        string
	description string
	unsettled   bool // a creation or update may not be through
	last        int  // the highest version number given
	published   int  // the version that a publication without changes answers
	versions    map[int]string
	aliases     map[string]string
	policy      []string // statement ids in order
}

func (m modelFunction) clone() modelFunction {
	m.versions, m.aliases, m.policy = maps.Clone(m.versions), maps.Clone(m.aliases), slices.Clone(m.policy)
	return m
}

func (m modelFunction) content() string { return m.code + "/" + m.description }

// act is one operation of a caller and what came of it.
type act struct {
	op, name, value string
	outcome         string
	began, ended    int64 // in the order of one counter
}

func (a act) String() string {
	return fmt.Sprintf("[%d,%d] %s(%s %s) = %s", a.began, a.ended, a.op, a.name, a.value, a.outcome)
}

// The outcomes that carry nothing more.
const (
	went    = "ok"
	missing = "missing"
	taken   = "taken"
	busy    = "busy"
	inUse   = "in use"
)

// step is the model's next state when an act takes effect now, and whether the
// act could have had its outcome.
func (m modelFunction) step(a act) (modelFunction, bool) {
	m = m.clone()
	if a.op == "create" {
		if m.exists {
			return m, a.outcome == taken
		}
		return modelFunction{exists: true, code: a.value, unsettled: true, versions: map[int]string{}, aliases: map[string]string{}}, a.outcome == went
	}
	if !m.exists {
		return m, a.outcome == missing
	}
	switch a.op {
	case "code", "description", "publish":
		if a.outcome == busy {
			return m, m.unsettled
		}
		m.unsettled = false // or it would have been busy
		return m.change(a)
	case "delete":
		return modelFunction{}, a.outcome == went
	case "delete version":
		return m.deleteVersion(a)
	case "create alias":
		if _, ok := m.aliases[a.name]; ok {
			return m, a.outcome == taken
		}
		return m.point(a)
	case "update alias":
		if _, ok := m.aliases[a.name]; !ok {
			return m, a.outcome == missing
		}
		return m.point(a)
	case "delete alias":
		delete(m.aliases, a.name)
		return m, a.outcome == went
	case "permit":
		if slices.Contains(m.policy, a.name) {
			return m, a.outcome == taken
		}
		m.policy = append(m.policy, a.name)
		return m, a.outcome == went
	case "forbid":
		at := slices.Index(m.policy, a.name)
		if at < 0 {
			return m, a.outcome == missing
		}
		m.policy = slices.Delete(m.policy, at, at+1)
		return m, a.outcome == went
	}
	return m.read(a)
}

func (m modelFunction) change(a act) (modelFunction, bool) {
	switch a.op {
	case "code":
		m.code, m.unsettled = a.value, true
	case "description":
		m.description, m.unsettled = a.value, true
	case "publish":
		if have, ok := m.versions[m.published]; !ok || have != m.content() {
			m.last++
			m.published = m.last
			m.versions[m.last] = m.content()
		}
		return m, a.outcome == strconv.Itoa(m.published)
	}
	return m, a.outcome == went
}

func (m modelFunction) deleteVersion(a act) (modelFunction, bool) {
	n, _ := strconv.Atoi(a.value)
	if _, ok := m.versions[n]; ok && slices.Contains(slices.Collect(maps.Values(m.aliases)), a.value) {
		return m, a.outcome == inUse
	}
	delete(m.versions, n)
	return m, a.outcome == went
}

// point has an alias point to a version that must exist.
func (m modelFunction) point(a act) (modelFunction, bool) {
	if n, _ := strconv.Atoi(a.value); a.value != lambda.Latest {
		if _, ok := m.versions[n]; !ok {
			return m, a.outcome == missing
		}
	}
	m.aliases[a.name] = a.value
	return m, a.outcome == went
}

// read checks what a caller was shown.
func (m modelFunction) read(a act) (modelFunction, bool) {
	switch a.op {
	case "get":
		unsettled := a.outcome == m.content()+" "+busy
		ok := a.outcome == m.content() || unsettled && m.unsettled
		m.unsettled = unsettled
		return m, ok
	case "versions":
		return m, a.outcome == m.content()+" "+fmt.Sprint(m.versions)
	case "aliases":
		return m, a.outcome == fmt.Sprint(m.aliases)
	default: // policy
		if len(m.policy) == 0 {
			return m, a.outcome == missing
		}
		return m, a.outcome == strings.Join(m.policy, ",")
	}
}

// explain looks for an order in which the acts could have taken effect one by one,
// each between its begin and its end (Wing and Gong, "Testing and verifying
// concurrent objects"). It returns how many acts the longest order has that it found.
func explain(acts []act) int {
	seen := map[string]bool{}
	most := 0
	var search func(m modelFunction, done uint64, n int) bool
	search = func(m modelFunction, done uint64, n int) bool {
		most = max(most, n)
		if n == len(acts) {
			return true
		}
		key := fmt.Sprint(done, m)
		if seen[key] {
			return false
		}
		seen[key] = true
		first := int64(1 << 62) // the earliest end of an act that has not taken effect
		for i, a := range acts {
			if done&(1<<i) == 0 {
				first = min(first, a.ended)
			}
		}
		for i, a := range acts {
			if done&(1<<i) != 0 || a.began > first {
				continue
			}
			if next, ok := m.step(a); ok && search(next, done|1<<i, n+1) {
				return true
			}
		}
		return false
	}
	search(modelFunction{}, 0, 0)
	return most
}

// modelRun is a number of callers at one function.
type modelRun struct {
	h     *harness
	name  string
	clock *atomic.Int64
}

// once carries an act out.
func (r *modelRun) once(a act) act {
	a.began = r.clock.Add(1)
	outcome, err := r.perform(a)
	if err != nil {
		outcome = outcomeOf(err)
	}
	a.outcome, a.ended = outcome, r.clock.Add(1)
	return a
}

func (r *modelRun) perform(a act) (string, error) {
	h, name := r.h, new(r.name)
	var err error
	switch a.op {
	case "create":
		in := createInput(r.name)
		in.Code.ZipFile = zipWith(a.value)
		_, err = h.CreateFunction(h.ctx, in)
	case "code":
		_, err = h.UpdateFunctionCode(h.ctx, &awslambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: zipWith(a.value)})
	case "description":
		_, err = h.UpdateFunctionConfiguration(h.ctx, &awslambda.UpdateFunctionConfigurationInput{FunctionName: name, Description: new(a.value)})
	case "publish":
		out, err := h.PublishVersion(h.ctx, &awslambda.PublishVersionInput{FunctionName: name})
		if err != nil {
			return "", err
		}
		return *out.Version, nil
	case "delete":
		_, err = h.DeleteFunction(h.ctx, &awslambda.DeleteFunctionInput{FunctionName: name})
	case "delete version":
		_, err = h.DeleteFunction(h.ctx, &awslambda.DeleteFunctionInput{FunctionName: name, Qualifier: new(a.value)})
	case "create alias":
		_, err = h.CreateAlias(h.ctx, &awslambda.CreateAliasInput{FunctionName: name, Name: new(a.name), FunctionVersion: new(a.value)})
	case "update alias":
		_, err = h.UpdateAlias(h.ctx, &awslambda.UpdateAliasInput{FunctionName: name, Name: new(a.name), FunctionVersion: new(a.value)})
	case "delete alias":
		_, err = h.DeleteAlias(h.ctx, &awslambda.DeleteAliasInput{FunctionName: name, Name: new(a.name)})
	case "permit":
		_, err = h.AddPermission(h.ctx, &awslambda.AddPermissionInput{FunctionName: name, StatementId: new(a.name), Action: new("lambda:InvokeFunction"), Principal: new("*")})
	case "forbid":
		_, err = h.RemovePermission(h.ctx, &awslambda.RemovePermissionInput{FunctionName: name, StatementId: new(a.name)})
	default:
		return r.look(a)
	}
	return went, err
}

// look carries out an act that only reads.
func (r *modelRun) look(a act) (string, error) {
	h, name := r.h, new(r.name)
	switch a.op {
	case "get":
		out, err := h.GetFunctionConfiguration(h.ctx, &awslambda.GetFunctionConfigurationInput{FunctionName: name})
		if err != nil {
			return "", err
		}
		shown := contentOf(*out.CodeSha256, *out.Description)
		if out.State == "Pending" || out.LastUpdateStatus == "InProgress" {
			shown += " " + busy
		}
		return shown, nil
	case "versions":
		out, err := h.ListVersionsByFunction(h.ctx, &awslambda.ListVersionsByFunctionInput{FunctionName: name})
		if err != nil {
			return "", err
		}
		latest, versions := "", map[int]string{}
		for _, v := range out.Versions {
			if n, err := strconv.Atoi(*v.Version); err == nil {
				versions[n] = contentOf(*v.CodeSha256, *v.Description)
			} else {
				latest = contentOf(*v.CodeSha256, *v.Description)
			}
		}
		return latest + " " + fmt.Sprint(versions), nil
	case "aliases":
		out, err := h.ListAliases(h.ctx, &awslambda.ListAliasesInput{FunctionName: name})
		if err != nil {
			return "", err
		}
		aliases := map[string]string{}
		for _, a := range out.Aliases {
			aliases[*a.Name] = *a.FunctionVersion
		}
		return fmt.Sprint(aliases), nil
	default:
		out, err := h.GetPolicy(h.ctx, &awslambda.GetPolicyInput{FunctionName: name})
		if err != nil {
			return "", err
		}
		var sids []string
		for part := range strings.SplitSeq(*out.Policy, `"Sid":"`) {
			sid, _, _ := strings.Cut(part, `"`)
			sids = append(sids, sid)
		}
		return strings.Join(sids[1:], ","), nil
	}
}

// codeNames are the packages of the model by their digests.
var codeNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for _, body := range modelCodes {
		names[sha256Base64(zipWith(body))] = body
	}
	return names
})

func sha256Base64(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func contentOf(digest, description string) string { return codeNames()[digest] + "/" + description }

// outcomeOf is the model's word for an error, or the error's text, which no model
// explains.
func outcomeOf(err error) string {
	e, ok := errors.AsType[*lambda.Error](err)
	switch {
	case !ok:
	case e.Code == lambda.CodeResourceNotFound:
		return missing
	case strings.HasPrefix(e.Message, "The operation cannot be performed at this time."):
		return busy
	case strings.Contains(e.Message, "already exist"):
		return taken
	case strings.Contains(e.Message, "is still referenced by alias"):
		return inUse
	}
	return err.Error()
}

var modelCodes = []string{"a", "b"}

// draw is a random act. Few names and values make collisions likely.
func draw(rng *rand.Rand) act {
	one := func(of ...string) string { return of[rng.IntN(len(of))] }
	op := one("create", "create", "code", "code", "description", "publish", "publish", "publish",
		"delete", "delete version", "create alias", "create alias", "update alias", "delete alias",
		"permit", "permit", "forbid", "get", "get", "versions", "aliases", "policy")
	a := act{op: op}
	switch op {
	case "create", "code":
		a.value = one(modelCodes...)
	case "description":
		a.value = one("", "d")
	case "delete version":
		a.value = one("1", "2", "3")
	case "create alias", "update alias":
		a.name, a.value = one("x", "y"), one(lambda.Latest, "1", "2", "3")
	case "delete alias":
		a.name = one("x", "y")
	case "permit", "forbid":
		a.name = one("s", "t")
	}
	return a
}

// The size of a run: searching an order grows fast with the acts at the same time.
const (
	modelCallers = 4
	modelActs    = 11
	modelRuns    = 400
	// Every change on disk waits for the disk.
	modelRunsOnDisk = 200
)

// TestCallersAtTheSameTimeSeeOneFunction has callers change one function at the same
// time in random ways and looks for an order of all their operations that explains
// what each of them saw. After that everything is read once more, and once again from
// a process that has started anew.
//
// A failure prints its seed; HEARTH_SEED repeats the choices, though not the timing.
func TestCallersAtTheSameTimeSeeOneFunction(t *testing.T) {
	seed := rand.Uint64()
	if given := os.Getenv("HEARTH_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("HEARTH_SEED=%d", seed)
	t.Run("in memory", func(t *testing.T) { explained(t, mem.New(), seed, modelRuns) })
	t.Run("on disk", func(t *testing.T) {
		st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "meta.db"), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		}()
		explained(t, st, seed, modelRunsOnDisk)
	})
}

// explained runs the callers and explains what they saw.
func explained(t *testing.T, st store.Store, seed uint64, runs int) {
	t.Helper()
	h := startOn(t, st, &peers{})
	var clock atomic.Int64
	finals := map[string][]string{}
	for i := range runs {
		r := &modelRun{h: h, name: fmt.Sprintf("f%d", i), clock: &clock}
		acts := r.concurrently(seed + uint64(i))
		h.awaitSettled(r.name)
		for _, op := range []string{"get", "versions", "aliases", "policy"} {
			acts = append(acts, r.once(act{op: op}))
			finals[r.name] = append(finals[r.name], acts[len(acts)-1].outcome)
		}
		if n := explain(acts); n < len(acts) {
			slices.SortFunc(acts, func(a, b act) int { return int(a.began - b.began) })
			for _, a := range acts {
				t.Log(a)
			}
			t.Fatalf("HEARTH_SEED=%d: run %d: no order explains more than %d of %d operations", seed, i, n, len(acts))
		}
	}
	h.stop()
	again := startOn(t, st, &peers{})
	defer again.stop()
	for name, want := range finals {
		r := &modelRun{h: again, name: name, clock: &clock}
		for i, op := range []string{"get", "versions", "aliases", "policy"} {
			if got := r.once(act{op: op}).outcome; got != want[i] {
				t.Errorf("HEARTH_SEED=%d: after a restart %s of %s is %q, want %q", seed, op, name, got, want[i])
			}
		}
	}
}

// concurrently has the callers act, each on its own random choices.
func (r *modelRun) concurrently(seed uint64) []act {
	var mu sync.Mutex
	var all []act
	var wait sync.WaitGroup
	for caller := range modelCallers {
		wait.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(caller)))
			for range modelActs {
				a := r.once(draw(rng))
				mu.Lock()
				all = append(all, a)
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return all
}

// TestTheModelTellsWhatCannotBe has histories that no function of AWS could have.
func TestTheModelTellsWhatCannotBe(t *testing.T) {
	created := act{op: "create", value: "a", outcome: went, began: 1, ended: 2}
	for _, tc := range []struct {
		name string
		acts []act
		want bool
	}{
		{"two creations at the same time and one is refused", []act{created, {op: "create", value: "b", outcome: taken, began: 1, ended: 4}}, true},
		{"two creations that both go well", []act{created, {op: "create", value: "b", outcome: went, began: 3, ended: 4}}, false},
		{"a version number that is skipped", []act{created, {op: "publish", outcome: "2", began: 3, ended: 4}}, false},
		{"a new number for what has not changed", []act{created, {op: "publish", outcome: "1", began: 3, ended: 4}, {op: "publish", outcome: "2", began: 5, ended: 6}}, false},
		{"a change that is forgotten", []act{created, {op: "code", value: "b", outcome: went, began: 3, ended: 4}, {op: "get", outcome: "a/", began: 5, ended: 6}}, false},
		{"a change seen by one who read meanwhile", []act{created, {op: "code", value: "b", outcome: went, began: 3, ended: 6}, {op: "get", outcome: "b/ busy", began: 4, ended: 5}}, true},
		{"a change that is seen and then not", []act{created, {op: "code", value: "b", outcome: went, began: 3, ended: 8}, {op: "get", outcome: "b/", began: 4, ended: 5}, {op: "get", outcome: "a/", began: 6, ended: 7}}, false},
		{"an alias of a version that is gone", []act{
			created,
			{op: "publish", outcome: "1", began: 3, ended: 4},
			{op: "delete version", value: "1", outcome: went, began: 5, ended: 6},
			{op: "create alias", name: "x", value: "1", outcome: went, began: 7, ended: 8},
		}, false},
		{"busy after it was seen settled", []act{created, {op: "get", outcome: "a/", began: 3, ended: 4}, {op: "code", value: "b", outcome: busy, began: 5, ended: 6}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := explain(tc.acts) == len(tc.acts); got != tc.want {
				t.Errorf("explained: %v, want %v", got, tc.want)
			}
		})
	}
}

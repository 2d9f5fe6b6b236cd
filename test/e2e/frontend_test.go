package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// zoned is a Hearth with frontends in processes of their own, before its workers, and a
// load balancer before them.
type zoned struct {
	*workers
	fronts    map[string]*harness.Hearth // by zone
	addrs     map[string]string
	frontDirs map[string]string
	balanced  string
}

// zonesOf starts frontends before a fleet, and a load balancer.
func zonesOf(t *testing.T, f *workers, zones ...string) *zoned {
	t.Helper()
	z := &zoned{workers: f, fronts: map[string]*harness.Hearth{}, addrs: map[string]string{}, frontDirs: map[string]string{}}
	var before []string
	for _, zone := range zones {
		token, err := harness.Token(t.Context(), f.options.Binary, f.DataDir, "frontend")
		if err != nil {
			t.Fatal(err)
		}
		z.frontDirs[zone] = dataDir(t)
		z.addrs[zone] = net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
		z.front(zone, token)
		before = append(before, zone+"="+z.fronts[zone].Endpoint)
	}
	t.Cleanup(func() {
		for zone, front := range z.fronts {
			f.stop("frontend "+zone, front)
		}
	})
	z.balanced, _ = balancer(t, before...)
	return z
}

// front starts a frontend; one that has joined before needs no token.
func (z *zoned) front(zone, token string) {
	z.t.Helper()
	front, err := harness.StartFrontend(z.t.Context(), harness.WorkerOptions{
		Options: harness.Options{Binary: z.options.Binary, DataDir: z.frontDirs[zone], Listen: z.addrs[zone]},
		Join:    z.join, Token: token, Zone: zone, Args: []string{"--name", "front-" + zone},
	})
	if err != nil {
		z.t.Fatal(err)
	}
	z.fronts[zone] = front
}

// through is the Hearth as clients of an endpoint see it.
func (z *zoned) through(endpoint string) *workers {
	cfg := z.AWS()
	cfg.BaseEndpoint = &endpoint
	same := *z.hearth
	same.aws, same.lambda = cfg, lambda.NewFromConfig(cfg)
	return &workers{hearth: &same, t: z.t}
}

// routed waits until the load balancer sends requests to all frontends.
func (z *zoned) routed(t *testing.T) {
	t.Helper()
	eventually(t, 30*time.Second, "all frontends are well", func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, z.balanced+"/_hearth/lb", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		var state struct {
			Frontends []struct{ Healthy, Ejected bool }
		}
		if json.NewDecoder(res.Body).Decode(&state) != nil || len(state.Frontends) != len(z.fronts) {
			return false
		}
		for _, f := range state.Frontends {
			if !f.Healthy || f.Ejected {
				return false
			}
		}
		return true
	})
}

// Goal: with frontends and workers as processes in zones behind the load balancer, the
// kill of a frontend, of a zone (its frontend and its worker at once) and of the control
// process costs what ran there and nothing two seconds later; a frontend that is told to
// stop costs nothing; and through all of it a reserved concurrency is not exceeded.
// Method: two loads through the balancer, one that counts failures and one of ten times
// as many callers as its function may have, which takes one of as many file locks.
func TestRootFrontendsSurviveAZone(t *testing.T) {
	const callers, limitOf = 12, 4
	f := fleetOf(t, "process", "a", "b", "c")
	dir := dataDir(t)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f.function(t, "f", slowly)
	f.function(t, "locked", "", func(fn *harness.Function) {
		fn.Runtime, fn.Handler = "python3.11", "index.lambda_handler"
		fn.Files = map[string]string{"index.py": fmt.Sprintf(locked, limitOf, dir)}
	})
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	limit(t, f.hearth, "locked", limitOf)
	z := zonesOf(t, f, "a", "b")
	z.routed(t)
	via := z.through(z.balanced)
	pressure := via.load(10*limitOf, "locked")
	l := via.load(callers, "f")
	eventually(t, 60*time.Second, "the load is served", func() bool { return l.answers() > 500 })
	if n := l.failed.Load(); n > 0 {
		t.Fatalf("%d invokes failed before anything happened: %v", n, l.reasons())
	}

	before, at := l.failed.Load(), time.Now()
	if err := z.fronts["a"].Kill(); err != nil {
		t.Fatal(err)
	}
	l.survives(t, "a frontend is killed", before, at, callers)
	z.front("a", "")
	z.routed(t)

	before, at = l.failed.Load(), f.kill("a")
	if err := z.fronts["a"].Kill(); err != nil {
		t.Fatal(err)
	}
	// What ran in the zone: at its worker for either frontend, or through its frontend at
	// any worker; a caller whose invoke failed may be at the killed worker again before
	// that is known.
	l.survives(t, "a zone is killed", before, at, callers)
	f.worker("a", "")
	z.front("a", "")
	z.routed(t)

	before, at = l.failed.Load(), time.Now()
	if err := z.fronts["b"].Stop(); err != nil {
		t.Errorf("stop the frontend: %v", err)
	}
	l.survives(t, "a frontend is told to stop", before, at, 0)
	z.front("b", "")
	z.routed(t)

	if err := f.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "the frontends say that they are unwell", func() bool {
		return z.health(t, "a") == http.StatusServiceUnavailable && z.health(t, "b") == http.StatusServiceUnavailable
	})
	f.control()
	z.routed(t)
	at = time.Now()
	l.reset()
	eventually(t, 30*time.Second, "the load is served after the control process came back", func() bool { return l.answers() > 300 })
	if last := time.Unix(0, l.last.Load()); last.Sub(at) > 2*time.Second {
		t.Errorf("an invoke failed %s after all were well again: %v", last.Sub(at), l.reasons())
	}
	l.stop()
	pressure.stop()
	seen := pressure.reset()
	if n := seen[`"too many"`]; n > 0 {
		t.Errorf("%d invokes found more running than are reserved", n)
	}
	t.Logf("%d invokes held a lock; refused or failed: %d", seen[`"held"`], pressure.failed.Load())
	if seen[`"held"`] < 100 {
		t.Error("the reserved function was hardly served")
	}
}

func (z *zoned) health(t *testing.T, zone string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+z.addrs[zone]+"/_hearth/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// AWS's own client cannot tell a frontend process from the control process, with real
// sandboxes on workers behind both.
func TestRootFrontendsAnswerAsTheControlProcess(t *testing.T) {
	f := fleetOf(t, "namespace", "a")
	z := zonesOf(t, f, "a")
	front := z.through(z.fronts["a"].Endpoint)
	front.function(t, "f", `
exports.handler = async (event, context) => {
  console.log("was here");
  if (event.fail) throw new TypeError(event.fail);
  if (event.ends) process.exit(3);
  return { event, client: context.clientContext ?? null, size: JSON.stringify(event).length };
};`)
	large := `"` + strings.Repeat("x", 5<<20) + `"`
	for name, in := range map[string]*lambda.InvokeInput{
		"a result":            {Payload: []byte(`{"n":1}`)},
		"no payload":          {},
		"a large one":         {Payload: []byte(large)},
		"a failure":           {Payload: []byte(`{"fail":"it"}`), LogType: types.LogTypeTail},
		"an end":              {Payload: []byte(`{"ends":true}`)},
		"a log tail":          {Payload: []byte(`{}`), LogType: types.LogTypeTail},
		"a client context":    {Payload: []byte(`{}`), ClientContext: new("eyJjdXN0b20iOnsiYSI6MX19")},
		"an event":            {Payload: []byte(`{}`), InvocationType: types.InvocationTypeEvent},
		"a dry run":           {Payload: []byte(`{}`), InvocationType: types.InvocationTypeDryRun},
		"no JSON":             {Payload: []byte(`{`)},
		"too large":           {Payload: []byte(`"` + strings.Repeat("x", 6<<20) + `"`)},
		"no such function":    {FunctionName: new("g")},
		"no such qualifier":   {Qualifier: new("7")},
		"an answer too large": {Payload: []byte(`"` + strings.Repeat("y", 5<<20) + `"`), LogType: types.LogTypeTail},
	} {
		t.Run(name, func(t *testing.T) {
			if in.FunctionName == nil {
				in.FunctionName = new("f")
			}
			want, got := said(t, f.lambda, in), said(t, front.lambda, in)
			if got != want {
				t.Errorf("through a frontend %.600s\ndirect %.600s", got, want)
			}
		})
	}
	streamed, err := front.lambda.InvokeWithResponseStream(t.Context(), &lambda.InvokeWithResponseStreamInput{FunctionName: new("f"), Payload: []byte(`{"s":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for e := range streamed.GetStream().Events() {
		if chunk, ok := e.(*types.InvokeWithResponseStreamResponseEventMemberPayloadChunk); ok {
			text.Write(chunk.Value.Payload)
		}
	}
	if !strings.Contains(text.String(), `"event":{"s":1}`) {
		t.Errorf("a stream: %q, %v", text.String(), streamed.GetStream().Err())
	}
}

// said is all that a client learns, without what differs from call to call.
func said(t *testing.T, c *lambda.Client, in *lambda.InvokeInput) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := c.Invoke(ctx, in)
	if err != nil {
		text := err.Error()
		if at := strings.Index(text, "RequestID: "); at >= 0 {
			rest := text[at:]
			text = text[:at] + rest[strings.IndexByte(rest, ',')+1:]
		}
		return text
	}
	function, version, tail := "", "", 0
	if out.FunctionError != nil {
		function = *out.FunctionError
	}
	if out.ExecutedVersion != nil {
		version = *out.ExecutedVersion
	}
	if out.LogResult != nil {
		tail = 1 // its text has ids and durations
	}
	payload := string(out.Payload)
	if function != "" {
		var failure struct{ ErrorType, ErrorMessage string }
		if err := json.Unmarshal(out.Payload, &failure); err != nil {
			t.Fatal(err)
		}
		if at := strings.Index(failure.ErrorMessage, "RequestId: "); at >= 0 {
			_, failure.ErrorMessage, _ = strings.Cut(failure.ErrorMessage[at+len("RequestId: "):], " ")
		}
		payload = fmt.Sprint(failure)
	}
	return fmt.Sprintf("%d %q %q %d %s", out.StatusCode, function, version, tail, payload)
}

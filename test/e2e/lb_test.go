package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/harness"
)

// Goal: before several Hearths, the load balancer lets AWS's client work unmodified
// (signatures hold), and the kill of one costs only what ran there. Method: the same
// function on two Hearths in two zones, load over the balancer, kill -9 one, start it
// again.
func TestRootTheLoadBalancerSurvivesAFrontend(t *testing.T) {
	needRoot(t)
	dirs := []string{dataDir(t), dataDir(t)}
	fronts := make([]*hearth, 2)
	for i := range fronts {
		fronts[i] = start(t, harness.Options{DataDir: dirs[i]})
		fronts[i].function(t, "where", fmt.Sprintf(`exports.handler = async () => "zone-%d"`, i))
	}
	defer func() {
		for _, f := range fronts {
			if err := f.Stop(); err != nil {
				t.Errorf("stop: %v", err)
			}
		}
	}()
	endpoint, stop := balancer(t, "a="+fronts[0].Endpoint, "b="+fronts[1].Endpoint)
	cfg := fronts[0].AWS()
	cfg.BaseEndpoint = &endpoint
	c := lambda.NewFromConfig(cfg)
	var mu sync.Mutex
	seen := map[string]int{}
	var failed atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for range 8 {
		load.Go(func() {
			for ctx.Err() == nil {
				out, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("where")})
				if err != nil {
					if ctx.Err() == nil {
						failed.Add(1)
					}
					continue
				}
				mu.Lock()
				seen[string(out.Payload)]++
				mu.Unlock()
			}
		})
	}
	count := func(zone string) int {
		mu.Lock()
		defer mu.Unlock()
		return seen[`"`+zone+`"`]
	}
	eventually(t, 30*time.Second, "both zones answer", func() bool { return count("zone-0") > 50 && count("zone-1") > 50 })
	if n := failed.Load(); n > 0 {
		t.Errorf("%d calls failed before anything was killed", n)
	}
	killed := time.Now()
	if err := fronts[0].Kill(); err != nil {
		t.Fatal(err)
	}
	// Within two seconds of a kill nothing may fail any more.
	time.Sleep(time.Until(killed.Add(2 * time.Second)))
	was, now := failed.Load(), count("zone-1")
	if was > 64 {
		t.Errorf("%d calls failed at the kill, want those that ran there", was)
	}
	eventually(t, 30*time.Second, "the other zone goes on", func() bool { return count("zone-1") > now+200 })
	if n := failed.Load() - was; n > 0 {
		t.Errorf("%d calls failed two seconds after the kill", n)
	}
	t.Logf("%d calls failed at the kill", was)
	cancel()
	load.Wait()
	stop()
	fronts[0] = start(t, harness.Options{DataDir: dirs[0]})
}

// balancer starts `hearth lb`; stop ends it as an operator would.
func balancer(t *testing.T, frontends ...string) (endpoint string, stop func()) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"lb", "--listen", "127.0.0.1:0", "--output", "json", "--log-level", "error"}
	for _, f := range frontends {
		args = append(args, "--frontend", f)
	}
	cmd := exec.Command(path, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("hearth lb ended with %v\n%s", err, log.String())
		}
	})
	t.Cleanup(stop)
	var ready struct{ Endpoint string }
	dec := json.NewDecoder(bufio.NewReader(out))
	if err := dec.Decode(&ready); err != nil {
		t.Fatalf("hearth lb said nothing: %v\n%s", err, log.String())
	}
	return ready.Endpoint, stop
}

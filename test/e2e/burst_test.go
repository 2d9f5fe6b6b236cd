package e2e

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// Goal: a burst to a function that nobody called before is answered in full: so many
// boots at once, each bound by the processors, would all take longer than an Init phase
// may. Method: 500 invokes at once; those that find an environment given back need none
// of their own, so that there are far fewer environments than invokes.
func TestRootABurstToANewFunctionIsAnsweredWithFewEnvironments(t *testing.T) {
	const burst = 500
	h := up(t, "")
	h.function(t, "f", `
const environment = require('node:crypto').randomUUID();
exports.handler = async () => ({ environment });`)
	began := time.Now()
	answers, errs := h.all(t, burst, "f", `{}`)
	noErrors(t, errs, answers)
	made := environments(t, answers)
	t.Logf("%d environments in %s", made, time.Since(began))
	if made > burst/4 {
		t.Errorf("%d environments for %d short invokes", made, burst)
	}
}

// Goal: new code and new settings fail no invoke that runs or comes meanwhile, and an
// environment of the old ones serves none that came after the change. Method: callers
// without a pause while the function changes six times, each answer tells the settings
// that it was made with.
func TestRootUpdatesUnderLoadFailNoInvoke(t *testing.T) {
	const callers, updates = 8, 6
	h := up(t, "")
	source := func(n int) string {
		return fmt.Sprintf(`exports.handler = async () => { await new Promise((r) => setTimeout(r, 5)); return { code: %d, setting: +process.env.SETTING }; };`, n)
	}
	h.function(t, "f", source(0), timeout(30), func(f *harness.Function) { f.Env = map[string]string{"SETTING": "0"} })
	type state struct{ Code, Setting int }
	var mu sync.RWMutex // guards told
	var told state      // what AWS said was in force
	stop := make(chan struct{})
	var running sync.WaitGroup
	var served atomic.Int64
	for range callers {
		running.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				mu.RLock()
				least := told
				mu.RUnlock()
				a, err := harness.Invoke(t.Context(), h.lambda, "f", `{}`)
				var got state
				if err != nil || a.Error != "" || json.Unmarshal([]byte(a.Payload), &got) != nil {
					t.Errorf("invoke: %v %s", err, a.Payload)
					return
				}
				if got.Code < least.Code || got.Setting < least.Setting {
					t.Errorf("got %+v after %+v was in force", got, least)
				}
				served.Add(1)
			}
		})
	}
	for n := 1; n <= updates/2; n++ {
		zip, err := harness.ZipFiles(map[string]string{"index.js": source(n)})
		if err != nil {
			t.Fatal(err)
		}
		for _, update := range []func() error{
			func() error {
				_, err := h.lambda.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: zip})
				return err
			},
			func() error {
				_, err := h.lambda.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
					FunctionName: aws.String("f"), Environment: &types.Environment{Variables: map[string]string{"SETTING": fmt.Sprint(n)}},
				})
				return err
			},
		} {
			if err := update(); err != nil {
				t.Fatal(err)
			}
			if err := harness.WaitActive(t.Context(), h.lambda, "f"); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			if told.Code < n {
				told.Code = n
			} else {
				told.Setting = n
			}
			mu.Unlock()
			before := served.Load()
			eventually(t, 20*time.Second, "invokes go on", func() bool { return served.Load() > before+10*callers })
		}
	}
	close(stop)
	running.Wait()
	t.Logf("%d answers", served.Load())
}

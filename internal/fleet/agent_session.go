package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// serve is one session: from the registration to its end and that of what ran for it.
// It reports whether there was one.
func (a *Agent) serve(ctx context.Context) (joined bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out, in, hello, err := a.register(ctx)
	if err != nil {
		return false, err
	}
	defer in.Close()
	defer func() { _ = out.CloseWithError(errBrokenOff) }() // it always closes
	keep := map[lambda.SandboxID]bool{}
	for _, id := range hello.Keep {
		keep[id] = true
	}
	a.closeThose(ctx, func(h *hosting) bool { return !keep[h.env.ID()] })
	a.begin(hello.Session)
	var helpers sync.WaitGroup
	helpers.Go(func() { cancel(a.logs.run(ctx, a.send)) })
	sent := make(chan told, leaseMax/statusEvery+2) // what is beyond is out of the lease
	helpers.Go(func() { cancel(a.tellStatus(ctx, out, sent)) })
	helpers.Go(func() { cancel(a.lease(ctx, in, sent)) })
	if a.cfg.Joined != nil {
		a.cfg.Joined()
	}
	<-ctx.Done()
	err = context.Cause(ctx)
	a.cease()
	_ = out.CloseWithError(errBrokenOff)
	in.Close()
	helpers.Wait()
	a.ceased()
	return true, err
}

var (
	errBrokenOff = errors.New("fleet: the session is over")
	errUnheard   = errors.New("the control process does not answer")
)

// register asks to be part of the fleet.
func (a *Agent) register(ctx context.Context) (out *io.PipeWriter, in io.ReadCloser, hello welcome, err error) {
	req, err := a.cfg.Client.Control().Request(ctx, http.MethodPost, Prefix+"register")
	if err != nil {
		return nil, nil, hello, err
	}
	var first bytes.Buffer
	if err := writeJSONFrame(&first, frameHead, registration{a.cfg.Hello, a.offers()}); err != nil {
		return nil, nil, hello, err
	}
	body, out := io.Pipe()
	req.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&first, body), body}
	answered := time.AfterFunc(answerSlack, func() { _ = out.CloseWithError(errUnheard) })
	defer answered.Stop()
	resp, err := a.cfg.Client.Control().RoundTrip(req)
	if err != nil {
		return nil, nil, hello, err
	}
	if resp.StatusCode != http.StatusOK {
		err = answeredError(resp)
	} else {
		var text []byte
		if text, err = readFrameOf(resp.Body, frameResult); err == nil {
			err = json.Unmarshal(text, &hello)
		}
	}
	if err != nil {
		_ = out.CloseWithError(err) // it always closes
		resp.Body.Close()
		return nil, nil, hello, err
	}
	return out, resp.Body, hello, nil
}

// offers are the environments that outlived an earlier session.
func (a *Agent) offers() (all []offer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, h := range a.environments {
		if len(all) == offersMax || a.draining.Load() {
			break
		}
		all = append(all, offer{id, h.version, h.env.Initialised(), time.Since(h.born)})
	}
	return all
}

func (a *Agent) begin(session string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.session, a.running = session, session
}

// cease takes nothing more, and ends what runs: nobody waits for it, and another worker
// may run it soon. What is idle stays.
func (a *Agent) cease() {
	a.mu.Lock()
	a.session = ""
	a.know()
	a.mu.Unlock()
	a.closeThose(context.Background(), func(h *hosting) bool { return h.busy })
}

// ceased says that nothing runs for the last session any more.
func (a *Agent) ceased() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running = ""
}

// told is a status that was sent.
type told struct {
	at       time.Time
	draining bool
}

// tellStatus tells how the worker is until ctx ends, or the worker has left.
func (a *Agent) tellStatus(ctx context.Context, out *io.PipeWriter, sent chan<- told) error {
	stop := context.AfterFunc(ctx, func() { _ = out.CloseWithError(errBrokenOff) })
	defer stop()
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	for {
		free, err := a.host.FreeMB()
		if err != nil {
			a.cfg.Log.WarnContext(ctx, "the free memory is not known", "error", err)
		}
		draining := a.draining.Load()
		select {
		case sent <- told{time.Now(), draining}:
		default:
			return errUnheard
		}
		if err := writeJSONFrame(out, frameData, status{FreeMB: free, Draining: draining}); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-a.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lease returns when the control process ends the session, or has not been heard of for
// so long that it must count the worker as lost soon.
func (a *Agent) lease(ctx context.Context, in io.ReadCloser, sent <-chan told) error {
	unheard := time.AfterFunc(leaseMax, func() { in.Close() })
	defer unheard.Stop()
	stop := context.AfterFunc(ctx, func() { in.Close() })
	defer stop()
	for {
		if _, err := readFrameOf(in, frameData); err != nil {
			if !unheard.Stop() {
				err = errUnheard
			}
			return err
		}
		select {
		case heard := <-sent:
			unheard.Reset(time.Until(heard.at.Add(leaseMax)))
			if heard.draining {
				a.mu.Lock()
				a.know()
				a.mu.Unlock()
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

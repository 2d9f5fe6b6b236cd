package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/harness"
	"github.com/hearthfaas/hearth/internal/queue"
	"github.com/hearthfaas/hearth/internal/store"
	"github.com/hearthfaas/hearth/internal/store/sqlite"
)

const (
	// delayedMessages lie in the queue while others pass through it.
	delayedMessages = 200_000
	// messageBytes is the size of each.
	messageBytes = 1024
	// queueSpan is how long each row is measured.
	queueSpan = 1500 * time.Millisecond
)

// benchQueue is the queue that is measured, by its name in the engine and by its
// place in URLs.
var benchQueue = queue.Name{Account: "000000000000", Region: harness.Region, Kind: "sqs", Name: "bench"}

// queues measures what passes durably through a queue: at the engine, beside the
// store's own group commit, and through HTTP with AWS's client.
func (b *bench) queues(ctx context.Context) error {
	if err := b.commitFloor(ctx); err != nil {
		return err
	}
	for _, behind := range []int{0, b.count(delayedMessages)} {
		dir, err := b.filled(ctx, fmt.Sprintf("queue-%d", behind), behind)
		if err != nil {
			return err
		}
		if err := b.engineRows(ctx, dir, behind); err != nil {
			return err
		}
	}
	return b.queueHTTP(ctx)
}

// both measures work with 1 and 64 clients; each call of work is so many of the unit.
func (b *bench) both(ctx context.Context, name string, unit string, each int, work func(context.Context) error) error {
	for _, clients := range []int{1, 64} {
		span := b.span(queueSpan)
		until := time.Now().Add(span)
		var done atomic.Int64
		errs := make([]error, clients)
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() {
				for time.Now().Before(until) && errs[i] == nil {
					if errs[i] = work(ctx); errs[i] == nil {
						done.Add(int64(each))
					}
				}
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		b.rep.add(fmt.Sprintf("%s, %d at a time", name, clients), "", figure{unit, float64(done.Load()) / span.Seconds(), "/s"})
	}
	return nil
}

// commitFloor is what the store's records commit, each on disk before it is
// acknowledged.
func (b *bench) commitFloor(ctx context.Context) error {
	dir, err := os.MkdirTemp(b.scratch, "store-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	s, err := sqlite.Open(ctx, filepath.Join(dir, "meta.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	value := make([]byte, messageBytes)
	var n atomic.Int64
	return b.both(ctx, "floor: the store's group commit", "done", 1, func(ctx context.Context) error {
		_, err := s.Apply(ctx, store.Change{Kind: "k", Key: fmt.Sprintf("%09d", n.Add(1)), Value: value})
		return err
	})
}

// filled is a directory with a queue in which so many messages wait for ten hours.
func (b *bench) filled(ctx context.Context, name string, behind int) (dir string, err error) {
	dir = filepath.Join(b.scratch, name, "data")
	if err := os.MkdirAll(dir, 0o755); err != nil { // functions run as another user
		return "", fmt.Errorf("make a directory: %w", err)
	}
	e, err := queue.Open(ctx, queue.Config{Dir: dir})
	if err != nil {
		return "", err
	}
	defer func() { _ = e.Close() }()
	if err := e.Create(ctx, benchQueue, queue.Settings{Visibility: 30 * time.Second, Meta: []byte("{}")}); err != nil {
		return "", err
	}
	return dir, fill(ctx, e, behind, 10*time.Hour)
}

func fill(ctx context.Context, e *queue.Engine, n int, delay time.Duration) error {
	for ; n > 0; n -= 1000 {
		batch := make([]queue.Outgoing, min(n, 1000))
		for i := range batch {
			batch[i] = queue.Outgoing{Body: text(messageBytes), Delay: &delay}
		}
		if _, err := e.Send(ctx, benchQueue, batch...); err != nil {
			return err
		}
	}
	return nil
}

// text is a body of so many bytes.
func text(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'm'
	}
	return b
}

func (b *bench) engineRows(ctx context.Context, dir string, behind int) error {
	e, err := queue.Open(ctx, queue.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }()
	where := "engine"
	if behind > 0 {
		where = fmt.Sprintf("engine, %d delayed behind", behind)
	}
	body := text(messageBytes)
	err = b.both(ctx, where+": send", "messages", 1, func(ctx context.Context) error {
		_, err := e.Send(ctx, benchQueue, queue.Outgoing{Body: body})
		return err
	})
	if err != nil {
		return err
	}
	if err := fill(ctx, e, b.count(150_000), 0); err != nil { // more than can be received
		return err
	}
	hide := time.Hour
	return b.both(ctx, where+": receive 10, delete 10", "messages", queue.ReceiveMax, func(ctx context.Context) error {
		got, err := e.Receive(ctx, benchQueue, queue.Request{Max: queue.ReceiveMax, Visibility: &hide})
		if err != nil {
			return err
		}
		if len(got) < queue.ReceiveMax {
			return fmt.Errorf("received %d", len(got))
		}
		receipts := make([]string, len(got))
		for i := range got {
			receipts[i] = got[i].Receipt
		}
		_, err = e.Remove(ctx, benchQueue, receipts...)
		return err
	})
}

// queueHTTP measures the same through the edge: signature, permission and protocol in,
// and AWS's client for Go, which runs on the same processors.
func (b *bench) queueHTTP(ctx context.Context) error {
	h, err := b.up(ctx, fmt.Sprintf("queue-%d", b.count(delayedMessages)))
	if err != nil {
		return err
	}
	defer func() { _ = h.Stop() }()
	c := sqs.NewFromConfig(h.aws)
	url, body := new(h.Endpoint+"/"+benchQueue.Account+"/"+benchQueue.Name), new(string(text(messageBytes)))
	t, err := signedSend(ctx, h, *url, *body)
	if err != nil {
		return err
	}
	o, err := t.together(ctx, 64, b.span(500*time.Millisecond), b.span(queueSpan))
	if err != nil {
		return err
	}
	b.addOutcome("HTTP, signed ahead, as many delayed behind: send, 64 at a time", "", o)
	const where = "HTTP, AWS's client, as many delayed behind: "
	err = b.both(ctx, where+"send", "messages", 1, func(ctx context.Context) error {
		_, err := c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: body})
		return err
	})
	if err != nil {
		return err
	}
	ten := make([]types.SendMessageBatchRequestEntry, queue.ReceiveMax)
	for i := range ten {
		ten[i] = types.SendMessageBatchRequestEntry{Id: new(fmt.Sprint(i)), MessageBody: body}
	}
	err = b.both(ctx, where+"send 10", "messages", len(ten), func(ctx context.Context) error {
		_, err := c.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: url, Entries: ten})
		return err
	})
	if err != nil {
		return err
	}
	return b.both(ctx, where+"receive 10, delete 10", "messages", queue.ReceiveMax, func(ctx context.Context) error {
		got, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: queue.ReceiveMax})
		if err != nil {
			return err
		}
		gone := make([]types.DeleteMessageBatchRequestEntry, len(got.Messages))
		for i, m := range got.Messages {
			gone[i] = types.DeleteMessageBatchRequestEntry{Id: new(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle}
		}
		if len(gone) < queue.ReceiveMax {
			return fmt.Errorf("received %d", len(gone))
		}
		_, err = c.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: gone})
		return err
	})
}

// signedSend is a SendMessage call as AWS's clients make it.
func signedSend(ctx context.Context, h *hearth, url, body string) (target, error) {
	text, err := json.Marshal(map[string]string{"QueueUrl": url, "MessageBody": body})
	if err != nil {
		return target{}, fmt.Errorf("make the request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.Endpoint+"/", bytes.NewReader(text))
	if err != nil {
		return target{}, fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	keys, err := h.aws.Credentials.Retrieve(ctx)
	if err != nil {
		return target{}, fmt.Errorf("read the keys: %w", err)
	}
	sum := sha256.Sum256(text)
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), "sqs", harness.Region, time.Now()); err != nil {
		return target{}, fmt.Errorf("sign the request: %w", err)
	}
	return plainTarget(req)
}

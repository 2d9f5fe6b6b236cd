package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthfaas/hearth/internal/harness"
)

// cpu shows that CPU time comes in proportion to memory.
func (d *demo) cpu(ctx context.Context) error {
	if !d.has("cpu-bound") || !d.isolated || !d.cfg.Root {
		return nil
	}
	d.p.title("CPU comes in proportion to memory: 100 ms of CPU time")
	walls := map[int32]float64{}
	for _, memory := range []int32{256, 1769} {
		_, err := d.lambda.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
			FunctionName: aws.String("cpu-bound"), MemorySize: &memory,
		})
		if err == nil {
			err = harness.WaitActive(ctx, d.lambda, "cpu-bound")
		}
		if err != nil {
			return fmt.Errorf("set the memory: %w", err)
		}
		d.parallel(ctx, 1, "cpu-bound", `{"cpu_ms":1}`) // the cold start is not what is shown
		a := d.parallel(ctx, 1, "cpu-bound", `{"cpu_ms":100}`)[0]
		walls[memory], _ = strconv.ParseFloat(member(a.Payload, "wall_ms"), 64)
		d.p.text("with %4d MB it takes %6.1f ms", memory, walls[memory])
	}
	d.check(walls[256] > 3*walls[1769] && walls[1769] > 0, "a seventh of the memory is far slower")
	return nil
}

// showLogs shows what CloudWatch Logs has of one function.
func (d *demo) showLogs(ctx context.Context) error {
	if !d.has("hello") {
		return nil
	}
	d.p.title("Logs of the first call, from CloudWatch Logs")
	out, err := d.logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String("/aws/lambda/hello"), Limit: aws.Int32(5),
	})
	if err != nil {
		return fmt.Errorf("read the logs: %w", err)
	}
	var all strings.Builder
	for _, e := range out.Events {
		message := strings.TrimSpace(aws.ToString(e.Message))
		d.p.text("%s", short(strings.ReplaceAll(message, "\t", "  "), 150))
		all.WriteString(message + "\n")
	}
	text := all.String()
	d.check(strings.Contains(text, "START RequestId: ") && strings.Contains(text, "hello from hello") && strings.Contains(text, "REPORT RequestId: "),
		"the platform's lines and the function's own are there")
	return nil
}

// idle shows that functions which nobody calls cost nothing.
func (d *demo) idle(ctx context.Context) error {
	held := d.hearth.Functions()
	if held == 0 {
		return nil // no /proc on this system
	}
	d.p.title("Nobody calls: after %s the environments go", idleTimeout)
	ctx, cancel := context.WithTimeout(ctx, 3*idleTimeout+5*time.Second)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	was, err := d.environments(ctx)
	if err != nil {
		return err
	}
	now := was
	for now > 0 && ctx.Err() == nil {
		select {
		case <-tick.C:
			if now, err = d.environments(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
		}
	}
	d.p.text("environments of functions: %d, then %d", was, now)
	d.p.text("processes in sandboxes: %d, then %d, which belong to no function and wait for the next cold start", held, d.hearth.Functions())
	d.check(now == 0, "a function that is not called has no environment and costs no memory")
	return nil
}

const (
	// metricsMax bounds what is read of the metrics' page; it has some 10 KB.
	metricsMax = 1 << 20
	// metricsWait bounds how long that may take.
	metricsWait = 5 * time.Second
)

// environments is how many environments functions have, by Hearth's own metrics.
func (d *demo) environments(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.hearth.Endpoint+"/_hearth/metrics", nil)
	if err != nil {
		return 0, fmt.Errorf("ask for the metrics: %w", err)
	}
	client := &http.Client{Timeout: metricsWait}
	res, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask for the metrics: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, metricsMax))
	if err != nil {
		return 0, fmt.Errorf("read the metrics: %w", err)
	}
	n := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		if value, ok := strings.CutPrefix(line, "hearth_lambda_environments{"); ok {
			_, count, _ := strings.Cut(value, "} ")
			more, err := strconv.Atoi(count)
			if err != nil {
				return 0, fmt.Errorf("read the metrics: %q: %w", line, err)
			}
			n += more
		}
	}
	return n, nil
}

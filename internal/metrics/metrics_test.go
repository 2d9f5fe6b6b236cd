package metrics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire/wiretest"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fixture is a service whose clock stands still unless a test moves it.
type fixture struct {
	*Service
	t   testing.TB
	mu  sync.Mutex
	now time.Time
	dir string
}

func newFixture(t testing.TB) *fixture {
	f := &fixture{t: t, now: noon, dir: t.TempDir()}
	f.open()
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) open() {
	f.t.Helper()
	s, err := Open(context.Background(), Config{Dir: f.dir, Now: f.clock, Weighted: func(_ lambda.FunctionID, alias string) bool {
		return alias == "shared"
	}})
	if err != nil {
		f.t.Fatal(err)
	}
	f.Service = s
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// client is AWS's own client, whose requests reach the service through its codec.
func (f *fixture) client() *cloudwatch.Client {
	f.t.Helper()
	url := wiretest.Serve(f.t, wiretest.New(f.t, lambda.Caller{Account: "1", Region: "r"}, f.API()))
	return cloudwatch.New(cloudwatch.Options{BaseEndpoint: &url, Region: "r", RetryMaxAttempts: 1, Credentials: wiretest.Keys})
}

func version(name string) *lambda.Version {
	return &lambda.Version{Function: lambda.FunctionID{Account: "1", Region: "r", Name: name}, Version: "3"}
}

// invoke runs one invocation that takes d.
func (f *fixture) invoke(v *lambda.Version, qualifier string, d time.Duration, failed bool) {
	inv := &lambda.Invocation{InvokedFunctionARN: v.Function.QualifiedARN(qualifier), Start: f.clock()}
	running := f.Began(v, inv)
	f.pass(d)
	running.Ended(inv, failed)
}

// sum asks for one statistic of a Lambda metric over the hour around noon.
func (f *fixture) statistic(name, stat string, dims ...types.Dimension) float64 {
	f.t.Helper()
	out, err := f.client().GetMetricStatistics(f.t.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/Lambda"), MetricName: &name, Dimensions: dims, Period: aws.Int32(7200),
		StartTime: aws.Time(noon.Add(-time.Hour)), EndTime: aws.Time(noon.Add(time.Hour)),
		Statistics: statistics(stat), ExtendedStatistics: extended(stat),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	if len(out.Datapoints) == 0 {
		return math.NaN()
	}
	d := out.Datapoints[0]
	for _, v := range []*float64{d.Sum, d.Average, d.Maximum, d.Minimum, d.SampleCount} {
		if v != nil {
			return *v
		}
	}
	return d.ExtendedStatistics[stat]
}

func statistics(stat string) []types.Statistic {
	if strings.HasPrefix(stat, "p") {
		return nil
	}
	return []types.Statistic{types.Statistic(stat)}
}

func extended(stat string) []string {
	if strings.HasPrefix(stat, "p") {
		return []string{stat}
	}
	return nil
}

func dim(name, value string) types.Dimension { return types.Dimension{Name: &name, Value: &value} }

func TestAnInvokeCountsUnderEveryDimension(t *testing.T) {
	f := newFixture(t)
	v := version("f")
	f.invoke(v, "", 10*time.Millisecond, false)
	f.invoke(v, "live", 20*time.Millisecond, true)
	f.invoke(v, "shared", 30*time.Millisecond, false)
	f.invoke(version("g"), "", time.Millisecond, false)
	f.Throttled(v, &lambda.Invocation{InvokedFunctionARN: v.Function.ARN()})
	name := dim("FunctionName", "f")
	for _, tt := range []struct {
		metric, stat string
		dims         []types.Dimension
		want         float64
	}{
		{"Invocations", "Sum", []types.Dimension{name}, 3},
		{"Invocations", "Sum", []types.Dimension{name, dim("Resource", "f")}, 1},
		{"Invocations", "Sum", []types.Dimension{name, dim("Resource", "f:live")}, 1},
		{"Invocations", "Sum", []types.Dimension{name, dim("Resource", "f:shared"), dim("ExecutedVersion", "3")}, 1},
		{"Invocations", "Sum", []types.Dimension{name, dim("Resource", "f:live"), dim("ExecutedVersion", "3")}, math.NaN()},
		{"Invocations", "Sum", nil, 4},
		{"Errors", "Sum", []types.Dimension{name}, 1},
		{"Errors", "SampleCount", []types.Dimension{name}, 3},
		{"Errors", "Sum", []types.Dimension{dim("FunctionName", "g")}, 0},
		{"Throttles", "Sum", []types.Dimension{name}, 1},
		{"Throttles", "Sum", nil, 1},
		{"Duration", "Average", []types.Dimension{name}, 20},
		{"Duration", "Maximum", []types.Dimension{name}, 30},
		{"ConcurrentExecutions", "Maximum", []types.Dimension{name}, 1},
		{"Invocations", "Sum", []types.Dimension{dim("FunctionName", "h")}, math.NaN()},
	} {
		got := f.statistic(tt.metric, tt.stat, tt.dims...)
		if got != tt.want && !(math.IsNaN(got) && math.IsNaN(tt.want)) {
			t.Errorf("%s of %s by %d dimensions: got %v, want %v", tt.stat, tt.metric, len(tt.dims), got, tt.want)
		}
	}
}

func TestPercentilesOfDurations(t *testing.T) {
	f := newFixture(t)
	v := version("f")
	for i := 1; i <= 1000; i++ {
		inv := &lambda.Invocation{InvokedFunctionARN: v.Function.ARN(), Start: noon.Add(-time.Duration(i) * time.Millisecond)}
		f.Began(v, inv).Ended(inv, false)
		if i == 500 { // the halves of what one minute has come in two writes
			if err := f.flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for stat, want := range map[string]float64{"p50": 500, "p90": 900, "p99.9": 999} {
		if got := f.statistic("Duration", stat, dim("FunctionName", "f")); math.Abs(got-want)/want > 0.011 {
			t.Errorf("%s: got %v, want about %v", stat, got, want)
		}
	}
}

func TestAnInvokeCountsInTheMinuteInWhichItBegan(t *testing.T) {
	f := newFixture(t)
	v := version("f")
	inv := &lambda.Invocation{InvokedFunctionARN: v.Function.ARN(), Start: noon}
	running := f.Began(v, inv)
	f.pass(10 * time.Minute)
	if err := f.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	running.Ended(inv, false)
	out, err := f.client().GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Duration"), Dimensions: []types.Dimension{dim("FunctionName", "f")},
		Period: aws.Int32(60), StartTime: &noon, EndTime: aws.Time(noon.Add(time.Hour)), Statistics: []types.Statistic{"Sum"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Datapoints) != 1 || !out.Datapoints[0].Timestamp.Equal(noon) || *out.Datapoints[0].Sum != 600_000 {
		t.Errorf("got %s", fmt.Sprint(out.Datapoints))
	}
}

func TestCountsAreNeitherLostNorDoubled(t *testing.T) {
	f := newFixture(t)
	const callers, each = 8, 500
	var wg sync.WaitGroup
	stop := make(chan struct{})
	flushed := make(chan struct{})
	go func() {
		defer close(flushed)
		for {
			select {
			case <-stop:
				return
			default:
				if err := f.flush(context.Background()); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	for i := range callers {
		wg.Go(func() {
			v := version(fmt.Sprintf("f%d", i%3))
			for range each {
				inv := &lambda.Invocation{InvokedFunctionARN: v.Function.ARN(), Start: noon}
				f.Began(v, inv).Ended(inv, false)
			}
		})
	}
	wg.Wait()
	close(stop)
	<-flushed
	if got := f.statistic("Invocations", "Sum"); got != callers*each {
		t.Errorf("got %v, want %d", got, callers*each)
	}
}

func TestIdleFunctionsAreForgotten(t *testing.T) {
	f := newFixture(t)
	v := version("f")
	f.invoke(v, "", 0, false)
	inv := &lambda.Invocation{InvokedFunctionARN: v.Function.ARN(), Start: noon}
	long := f.Began(version("long"), inv)
	for range forgetAfter + 2 {
		if err := f.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	count := 0
	for i := range f.shards {
		count += len(f.shards[i].functions)
	}
	if count != 1 {
		t.Errorf("%d functions are remembered, want the one that runs", count)
	}
	long.Ended(inv, false)
	if got := f.statistic("Invocations", "Sum"); got != 2 {
		t.Errorf("got %v invocations", got)
	}
}

func put(f *fixture, data ...types.MetricDatum) error {
	_, err := f.client().PutMetricData(f.t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("mine"), MetricData: data})
	return err
}

func TestWhatIsAcknowledgedSurvivesTheProcess(t *testing.T) {
	f := newFixture(t)
	if err := put(f, types.MetricDatum{MetricName: aws.String("m"), Value: aws.Float64(2.5), Unit: types.StandardUnitSeconds}); err != nil {
		t.Fatal(err)
	}
	if err := f.disk.close(); err != nil { // as a killed process does: nothing more is written
		t.Fatal(err)
	}
	f.open()
	out, err := f.client().GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("mine"), MetricName: aws.String("m"), Period: aws.Int32(60), StartTime: &noon,
		EndTime: aws.Time(noon.Add(time.Minute)), Statistics: []types.Statistic{"Average"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Datapoints) != 1 || *out.Datapoints[0].Average != 2.5 || out.Datapoints[0].Unit != types.StandardUnitSeconds {
		t.Errorf("got %v", out.Datapoints)
	}
}

func TestPutMetricDataRefuses(t *testing.T) {
	f := newFixture(t)
	m := aws.String("m")
	many := make([]float64, 151)
	for _, tt := range []struct {
		name  string
		datum types.MetricDatum
		code  string
	}{
		{"no value", types.MetricDatum{MetricName: m}, "MissingParameter"},
		{"two kinds of values", types.MetricDatum{MetricName: m, Value: aws.Float64(1), Values: []float64{1}}, "InvalidParameterCombination"},
		{"no number", types.MetricDatum{MetricName: m, Value: aws.Float64(math.NaN())}, "InvalidParameterValue"},
		{"too large", types.MetricDatum{MetricName: m, Value: aws.Float64(math.Ldexp(1, 361))}, "InvalidParameterValue"},
		{"the distant past", types.MetricDatum{MetricName: m, Value: aws.Float64(1), Timestamp: aws.Time(noon.Add(-15 * 24 * time.Hour))}, "InvalidParameterValue"},
		{"the future", types.MetricDatum{MetricName: m, Value: aws.Float64(1), Timestamp: aws.Time(noon.Add(3 * time.Hour))}, "InvalidParameterValue"},
		{"too many values", types.MetricDatum{MetricName: m, Values: many}, "InvalidParameterValue"},
		{"counts of other values", types.MetricDatum{MetricName: m, Values: []float64{1, 2}, Counts: []float64{1}}, "InvalidParameterValue"},
		{"a dimension twice", types.MetricDatum{MetricName: m, Value: aws.Float64(1), Dimensions: []types.Dimension{dim("a", "1"), dim("a", "2")}}, "InvalidParameterValue"},
		{"a set of nothing", types.MetricDatum{MetricName: m, StatisticValues: &types.StatisticSet{
			SampleCount: aws.Float64(0), Sum: aws.Float64(0), Minimum: aws.Float64(0), Maximum: aws.Float64(0),
		}}, "InvalidParameterValue"},
	} {
		err := put(f, tt.datum)
		api, ok := errors.AsType[smithy.APIError](err)
		if !ok || !strings.HasPrefix(api.ErrorCode(), tt.code) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.code)
		}
	}
	_, err := f.client().PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
		Namespace: aws.String("AWS/Lambda"), MetricData: []types.MetricDatum{{MetricName: m, Value: aws.Float64(1)}},
	})
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "InvalidParameterValue" {
		t.Errorf("AWS's own namespace: %v", err)
	}
}

func TestListMetrics(t *testing.T) {
	f := newFixture(t)
	var data []types.MetricDatum
	for i := range 600 {
		data = append(data, types.MetricDatum{
			MetricName: aws.String(fmt.Sprintf("m%03d", i)), Value: aws.Float64(1), Unit: types.StandardUnitCount,
			Dimensions: []types.Dimension{dim("parity", fmt.Sprint(i%2)), dim("kind", "x")},
		})
	}
	data = append(data, types.MetricDatum{MetricName: aws.String("m000"), Value: aws.Float64(1), Dimensions: data[0].Dimensions})
	if err := put(f, data...); err != nil {
		t.Fatal(err)
	}
	count := func(in *cloudwatch.ListMetricsInput) (n int) {
		pages := cloudwatch.NewListMetricsPaginator(f.client(), in)
		seen := map[string]bool{}
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range out.Metrics {
				n++
				if seen[*m.MetricName] {
					t.Errorf("%s is listed twice", *m.MetricName)
				}
				seen[*m.MetricName] = true
			}
		}
		return n
	}
	if got := count(&cloudwatch.ListMetricsInput{Namespace: aws.String("mine")}); got != 600 {
		t.Errorf("all: got %d", got)
	}
	odd := []types.DimensionFilter{{Name: aws.String("parity"), Value: aws.String("1")}, {Name: aws.String("kind")}}
	if got := count(&cloudwatch.ListMetricsInput{Dimensions: odd}); got != 300 {
		t.Errorf("odd: got %d", got)
	}
	f.pass(4 * time.Hour)
	if got := count(&cloudwatch.ListMetricsInput{RecentlyActive: types.RecentlyActivePt3h}); got != 0 {
		t.Errorf("recently active: got %d", got)
	}
	f.pass(15 * 24 * time.Hour)
	if got := count(&cloudwatch.ListMetricsInput{}); got != 0 {
		t.Errorf("two weeks later: got %d", got)
	}
}

func query(id, name, stat string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: aws.String("mine"), MetricName: &name}, Period: aws.Int32(60), Stat: &stat,
	}}
}

func expression(id, text string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, Expression: &text}
}

// seedData puts three minutes of two metrics: a is 1, 2, 3; b is 10 and 30 and has no
// second minute.
func seedData(t *testing.T, f *fixture) {
	t.Helper()
	at := func(m int) *time.Time { return aws.Time(noon.Add(time.Duration(m) * time.Minute)) }
	err := put(f,
		types.MetricDatum{MetricName: aws.String("a"), Value: aws.Float64(1), Timestamp: at(0)},
		types.MetricDatum{MetricName: aws.String("a"), Value: aws.Float64(2), Timestamp: at(1)},
		types.MetricDatum{MetricName: aws.String("a"), Values: []float64{2, 4}, Counts: []float64{1, 1}, Timestamp: at(2)},
		types.MetricDatum{MetricName: aws.String("b"), Value: aws.Float64(10), Timestamp: at(0)},
		types.MetricDatum{MetricName: aws.String("b"), StatisticValues: &types.StatisticSet{
			SampleCount: aws.Float64(2), Sum: aws.Float64(60), Minimum: aws.Float64(20), Maximum: aws.Float64(40),
		}, Timestamp: at(2)},
	)
	if err != nil {
		t.Fatal(err)
	}
}

func dataInput(queries ...types.MetricDataQuery) *cloudwatch.GetMetricDataInput {
	return &cloudwatch.GetMetricDataInput{
		MetricDataQueries: append([]types.MetricDataQuery{query("a", "a", "Average"), query("b", "b", "Average")}, queries...),
		StartTime:         &noon, EndTime: aws.Time(noon.Add(3 * time.Minute)), ScanBy: types.ScanByTimestampAscending,
	}
}

func TestMetricMath(t *testing.T) {
	f := newFixture(t)
	seedData(t, f)
	for text, want := range map[string][]float64{
		"a":                       {1, 2, 3},
		"b":                       {10, 30},
		"a + b":                   {11, 33},
		"b - a * 2":               {8, 24},
		"(b - a) * 2":             {18, 54},
		"-a":                      {-1, -2, -3},
		"2 ^ a":                   {2, 4, 8},
		"a / 0":                   {},
		"100 * a / SUM(a)":        {100. / 6, 200. / 6, 50},
		"SUM(METRICS())":          {11, 2, 33},
		"AVG([a, b])":             {5.5, 2, 16.5},
		"MAX([a,b]) - MIN([a,b])": {9, 0, 27},
		"FILL(b, 0)":              {10, 0, 30},
		"FILL(b, REPEAT)":         {10, 10, 30},
		"CEIL(a / 2)":             {1, 1, 2},
		"ABS(a - 2)":              {1, 0, 1},
		"a * 0 + PERIOD(a)":       {60, 60, 60},
	} {
		out, err := f.client().GetMetricData(t.Context(), dataInput(expression("e", text)))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		r := out.MetricDataResults[2]
		if *r.Id != "e" || r.StatusCode != types.StatusCodeComplete || !slices.EqualFunc(r.Values, want, func(x, y float64) bool { return math.Abs(x-y) < 1e-9 }) {
			t.Errorf("%s: got %v, want %v", text, r.Values, want)
		}
	}
	for text, want := range map[string]string{
		"a +":                           "ends too early",
		"a b":                           "unexpected 'b'",
		"c":                             "Undefined variable 'c'",
		"e":                             "refers to itself",
		"SEARCH('x')":                   "'SEARCH' is not supported",
		"SELECT AVG(x)":                 "unexpected 'SELECT'",
		"SUM(a)":                        "must be one time series",
		"METRICS()":                     "must be one time series",
		"[a, b] + 1":                    "takes numbers and time series",
		strings.Repeat("(", 500):        "nested too deeply",
		strings.Repeat("-", 500):        "nested too deeply",
		strings.Repeat("a+", 2000):      "less than or equal to 2048",
		"FILL(b, LINEAR)":               "unexpected 'LINEAR'",
		"IF(a, b, 0)":                   "'IF' is not supported",
		"a" + strings.Repeat("^a", 900): "nested too deeply",
	} {
		_, err := f.client().GetMetricData(t.Context(), dataInput(expression("e", text)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: got %v, want %q", text, err, want)
		}
	}
}

func TestGetMetricDataInPages(t *testing.T) {
	f := newFixture(t)
	seedData(t, f)
	in := dataInput(types.MetricDataQuery{Id: aws.String("hidden"), Expression: aws.String("a"), ReturnData: aws.Bool(false)})
	in.ScanBy = types.ScanByTimestampDescending
	in.MaxDatapoints = aws.Int32(2)
	got := map[string][]float64{}
	pages := cloudwatch.NewGetMetricDataPaginator(f.client(), in)
	n := 0
	for ; pages.HasMorePages(); n++ {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.MetricDataResults {
			got[*r.Id] = append(got[*r.Id], r.Values...)
		}
	}
	if n != 3 || !slices.Equal(got["a"], []float64{3, 2, 1}) || !slices.Equal(got["b"], []float64{30, 10}) || len(got) != 2 {
		t.Errorf("%d pages: %v", n, got)
	}
}

func TestGetMetricStatisticsRefuses(t *testing.T) {
	f := newFixture(t)
	base := func() *cloudwatch.GetMetricStatisticsInput {
		return &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("n"), MetricName: aws.String("m"), Period: aws.Int32(60), StartTime: &noon,
			EndTime: aws.Time(noon.Add(time.Hour)), Statistics: []types.Statistic{"Sum"},
		}
	}
	for name, tt := range map[string]struct {
		change func(*cloudwatch.GetMetricStatisticsInput)
		want   string
	}{
		"no statistic":  {func(in *cloudwatch.GetMetricStatisticsInput) { in.Statistics = nil }, "At least one"},
		"odd period":    {func(in *cloudwatch.GetMetricStatisticsInput) { in.Period = aws.Int32(90) }, "multiple of 60"},
		"backwards":     {func(in *cloudwatch.GetMetricStatisticsInput) { in.EndTime = in.StartTime }, "must be less than"},
		"too many":      {func(in *cloudwatch.GetMetricStatisticsInput) { in.EndTime = aws.Time(noon.Add(25 * time.Hour)) }, "requested up to 1500 datapoints"},
		"no percentile": {func(in *cloudwatch.GetMetricStatisticsInput) { in.ExtendedStatistics = []string{"p101"} }, "not supported"},
	} {
		in := base()
		tt.change(in)
		if _, err := f.client().GetMetricStatistics(t.Context(), in); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

func TestOldPointsAreOfAnHourAndThenGo(t *testing.T) {
	f := newFixture(t)
	seedData(t, f)
	ask := func() []types.Datapoint {
		out, err := f.client().GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("mine"), MetricName: aws.String("a"), Period: aws.Int32(3600), StartTime: &noon,
			EndTime: aws.Time(noon.Add(time.Hour)), Statistics: []types.Statistic{"Sum", "SampleCount"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.Datapoints
	}
	for _, age := range []time.Duration{0, 20 * 24 * time.Hour} {
		f.pass(age)
		if err := f.disk.sweep(t.Context(), minuteOf(f.clock())); err != nil {
			t.Fatal(err)
		}
		if got := ask(); len(got) != 1 || *got[0].Sum != 9 || *got[0].SampleCount != 4 {
			t.Errorf("after %v: got %v", age, got)
		}
	}
	rows := 0
	if err := f.disk.db.QueryRowContext(t.Context(), `SELECT count(*) FROM minutes`).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d points of a minute are left, %v", rows, err)
	}
	f.pass(500 * 24 * time.Hour)
	if err := f.disk.sweep(t.Context(), minuteOf(f.clock())); err != nil {
		t.Fatal(err)
	}
	if got := ask(); len(got) != 0 || len(f.disk.series) != 0 {
		t.Errorf("after its time: got %v and %d series", got, len(f.disk.series))
	}
}

func TestPrometheus(t *testing.T) {
	f := newFixture(t)
	f.cfg.Sample = func(s *Sample) {
		s.Environments(3, 2, 1)
		s.Async(version("f").Function, AsyncCounts{Received: 5, Dropped: 1})
	}
	f.invoke(version("secret-name"), "", 2*time.Millisecond, true)
	f.invoke(version("secret-name"), "", 20*time.Second, false)
	w := httptest.NewRecorder()
	f.Prometheus().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/_hearth/metrics", nil))
	text := w.Body.String()
	for _, want := range []string{
		"# TYPE hearth_lambda_invocations_total counter\nhearth_lambda_invocations_total 2\n",
		"hearth_lambda_errors_total 1\n",
		`hearth_lambda_duration_seconds_bucket{le="0.0025"} 1` + "\n",
		`hearth_lambda_duration_seconds_bucket{le="30"} 2` + "\n",
		`hearth_lambda_duration_seconds_bucket{le="+Inf"} 2` + "\n",
		"hearth_lambda_duration_seconds_sum 20.002\n",
		`hearth_lambda_environments{state="idle"} 3` + "\n",
		"hearth_lambda_async_events_received_total 5\n",
		"go_goroutines ", "process_resident_memory_bytes ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(text, "secret-name") {
		t.Error("a function is named")
	}
	if got := f.statistic("AsyncEventsReceived", "Sum", dim("FunctionName", "f")); got != 5 {
		t.Errorf("got %v events", got)
	}
}

func BenchmarkInvoke(b *testing.B) {
	f := newFixture(b)
	v := version("f")
	arn := v.Function.ARN()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		inv := &lambda.Invocation{InvokedFunctionARN: arn, Start: noon.Add(-3 * time.Millisecond)}
		for pb.Next() {
			f.Began(v, inv).Ended(inv, false)
		}
	})
}

func BenchmarkFlushOf1000Functions(b *testing.B) {
	f := newFixture(b)
	for b.Loop() {
		for i := range 1000 {
			f.invoke(version(fmt.Sprint("f", i)), "", 0, false)
		}
		if err := f.flush(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzExpression(f *testing.F) {
	for _, text := range []string{"a+b", "SUM(METRICS())/2", "FILL(a, REPEAT)", "-(a^[b])", "MAX([a,b]) - 1e3", "PERIOD(a", "a/.5"} {
		f.Add(text)
	}
	some := series{span: span{0, 3, 1}, values: map[int64]float64{0: 1, 2: 3}}
	f.Fuzz(func(t *testing.T, text string) {
		env := &environment{
			queries: map[string]*types.MetricDataQuery{
				"a": {Id: aws.String("a"), MetricStat: &types.MetricStat{}}, "b": {Id: aws.String("b"), MetricStat: &types.MetricStat{}},
			},
			known: map[string]value{}, at: map[string]bool{},
			metric: func(*types.MetricDataQuery) (series, error) { return some, nil },
		}
		_, err := env.evaluate("e", text)
		if err == nil {
			return
		}
		if _, ok := errors.AsType[*lambda.Error](err); !ok {
			t.Errorf("a bad expression is our fault: %v", err)
		}
	})
}

func FuzzSketch(f *testing.F) {
	k := sketch{}
	for _, v := range []float64{0, 1, -1, 1e-300, 1e300, 0.5} {
		k[bucketOf(v)] += 1.5
	}
	f.Add(k.encode())
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := decodeSketch(raw)
		if err != nil {
			return
		}
		again, err := decodeSketch(got.encode())
		if err != nil || len(again) != len(got) {
			t.Errorf("got %v, %v", again, err)
		}
	})
}

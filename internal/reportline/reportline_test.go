package reportline

import (
	"reflect"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	ms := func(f float64) time.Duration { return time.Duration(f * float64(time.Millisecond)) }
	for _, tt := range []struct {
		name string
		line string
		want Report
		ok   bool
	}{
		{
			"a cold start has an Init Duration",
			"REPORT RequestId: abc\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: 110.10 ms\t\n",
			Report{RequestID: "abc", Duration: ms(3.01), Billed: ms(114), Init: ms(110.10), MemoryMB: 128, UsedMB: 36},
			true,
		},
		{
			"a timeout has a status",
			"REPORT RequestId: abc\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tStatus: timeout",
			Report{RequestID: "abc", Duration: ms(3000), Billed: ms(3000), MemoryMB: 128, UsedMB: 36, Status: "timeout"},
			true,
		},
		{
			"a crash has a status and an error type",
			"REPORT RequestId: abc\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tStatus: error\tError Type: Runtime.ExitError",
			Report{RequestID: "abc", Duration: ms(1), Billed: ms(1), MemoryMB: 128, UsedMB: 36, Status: "error", ErrorType: "Runtime.ExitError"},
			true,
		},
		{
			"the JSON format is read too",
			`{"time":"2026-11-07T10:11:12.345Z","type":"platform.report","record":{"requestId":"abc","status":"success","metrics":{"durationMs":2.5,"billedDurationMs":3,"memorySizeMB":128,"maxMemoryUsedMB":40,"initDurationMs":20}}}`,
			Report{RequestID: "abc", Duration: ms(2.5), Billed: ms(3), Init: ms(20), MemoryMB: 128, UsedMB: 40},
			true,
		},
		{"a function's line is no report", "REPORTING for duty", Report{}, false},
		{"an empty line is no report", "", Report{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Parse(tt.line)
			if ok != tt.ok || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("Parse(%q) = %+v, %v; want %+v, %v", tt.line, got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestColdStartKeepsTheOrderOfTheSteps(t *testing.T) {
	want := []Part{{"fetch", time.Millisecond}, {"sandbox", 2 * time.Millisecond}, {"init", 3 * time.Millisecond}, {"zzz", 4 * time.Millisecond}}
	if got := ColdStart(`{"zzz":4,"init":3,"fetch":1,"sandbox":2}`, ""); !reflect.DeepEqual(got, want) {
		t.Errorf("from the header: got %v, want %v", got, want)
	}
	log := "START\n" + `{"type":"hearth.coldstart","record":{"zzz":4,"init":3,"fetch":1,"sandbox":2}}` + "\nEND"
	if got := ColdStart("", log); !reflect.DeepEqual(got, want) {
		t.Errorf("from the log: got %v, want %v", got, want)
	}
	if got := ColdStart("", "nothing here"); got != nil {
		t.Errorf("without any: got %v, want none", got)
	}
}

func TestPlatform(t *testing.T) {
	for line, want := range map[string]bool{
		"START RequestId: abc Version: $LATEST":                                   true,
		`{"time":"2026-11-07T10:11:12.345Z","type":"platform.start","record":{}}`: true,
		`{"time":"mine"}`:  false,
		"START the engine": false,
	} {
		if got := Platform(line); got != want {
			t.Errorf("Platform(%q) = %v, want %v", line, got, want)
		}
	}
}

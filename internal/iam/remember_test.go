package iam

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

func TestWhatWasUsedOutlivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, nil)
		r := f.mustCreateRole(t, "r", lambdaTrust)
		ann := f.mustUser(t, "ann", allowDocument("s3:*", "*"))
		_ = f.Authorize(t.Context(), f.session(t, "r"), "s3:GetObject", "arn:aws:s3:::b/k")
		_ = f.Authorize(t.Context(), ann, "s3:ListBucket", "arn:aws:s3:::b")

		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		time.Sleep(saveEvery + time.Second) // of the bubble's clock
		crashed, err := Open(t.Context(), f.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if used, _ := crashed.UsedBy(*r.Arn, "f"); len(used) != 1 {
			t.Errorf("a minute after the use a crash leaves %v", used)
		}
		crashed.Close()

		_ = f.Authorize(t.Context(), f.session(t, "r"), "s3:PutObject", "arn:aws:s3:::b/k")
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		f.reopen(t)
		used, more := f.UsedBy(*r.Arn, "f")
		if len(used) != 2 || more || used[0].Action != "s3:GetObject" || used[0].Allowed || !used[0].Last.Equal(testStart) {
			t.Errorf("after a restart: %+v, more %v", used, more)
		}
		out, err := f.getAccessKeyLastUsed(asRoot(t), &iam.GetAccessKeyLastUsedInput{AccessKeyId: &ann.AccessKeyID})
		if err != nil || *out.AccessKeyLastUsed.ServiceName != "s3" || !out.AccessKeyLastUsed.LastUsedDate.Equal(testStart) {
			t.Errorf("the key's last use after a restart: %+v, %v", out, err)
		}
	})
}

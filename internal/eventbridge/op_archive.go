package eventbridge

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

func (s *Service) createArchive(ctx context.Context, in *eb.CreateArchiveInput) (*eb.CreateArchiveOutput, error) {
	c := lambda.CallerFrom(ctx)
	if aws.ToString(in.KmsKeyIdentifier) != "" {
		return nil, errKMS
	}
	k, err := busOfARN(c, in.EventSourceArn)
	if err != nil {
		return nil, err
	}
	if err := checkPattern(in.EventPattern); err != nil {
		return nil, err
	}
	name := ownName{c.Account, c.Region, aws.ToString(in.ArchiveName)}
	rec := archiveRecord{
		Account: c.Account, Region: c.Region, Name: name.name, Bus: k.name, Description: aws.ToString(in.Description),
		Pattern: aws.ToString(in.EventPattern), Retention: aws.ToInt32(in.RetentionDays), Created: s.stamp(),
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if _, err := s.index.bus(k); err != nil {
		return nil, err
	}
	if _, ok := s.index.archives[name]; ok {
		return nil, exists("Archive %s already exists.", name.name)
	}
	if err := s.keepArchive(ctx, rec, store.Absent); err != nil {
		return nil, err
	}
	return &eb.CreateArchiveOutput{
		ArchiveArn: aws.String(archiveARN(c.Account, c.Region, name.name)), CreationTime: moment(rec.Created), State: types.ArchiveStateEnabled,
	}, nil
}

// busOfARN is the caller's bus that an EventSourceArn names.
func busOfARN(c lambda.Caller, source *string) (busKey, error) {
	a, ok := parseARN(aws.ToString(source))
	if !ok || a.service != "events" || !strings.HasPrefix(a.resource, "event-bus/") {
		return busKey{}, invalid("Parameter EventSourceArn is not valid. Reason: Must contain an event bus ARN.")
	}
	return own(c, source)
}

// keepArchive stores an archive and puts it to work. The mutex writing is held.
func (s *Service) keepArchive(ctx context.Context, rec archiveRecord, cond store.Precondition) error {
	if _, err := s.archives.Put(ctx, ownName{rec.Account, rec.Region, rec.Name}.record(), rec, cond); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index.putArchive(rec)
}

func noArchive(name string) error { return missing("Archive %s does not exist.", name) }

func (s *Service) updateArchive(ctx context.Context, in *eb.UpdateArchiveInput) (*eb.UpdateArchiveOutput, error) {
	c := lambda.CallerFrom(ctx)
	if aws.ToString(in.KmsKeyIdentifier) != "" {
		return nil, errKMS
	}
	if err := checkPattern(in.EventPattern); err != nil {
		return nil, err
	}
	name := ownName{c.Account, c.Region, aws.ToString(in.ArchiveName)}
	s.writing.Lock()
	defer s.writing.Unlock()
	a, ok := s.index.archives[name]
	if !ok {
		return nil, noArchive(name.name)
	}
	rec := a.record
	if in.Description != nil {
		rec.Description = *in.Description
	}
	if in.EventPattern != nil {
		rec.Pattern = *in.EventPattern
	}
	if in.RetentionDays != nil {
		rec.Retention = *in.RetentionDays
	}
	if err := s.keepArchive(ctx, rec, 0); err != nil {
		return nil, err
	}
	return &eb.UpdateArchiveOutput{
		ArchiveArn: aws.String(archiveARN(c.Account, c.Region, name.name)), CreationTime: moment(rec.Created), State: types.ArchiveStateEnabled,
	}, nil
}

func (s *Service) deleteArchive(ctx context.Context, in *eb.DeleteArchiveInput) (*eb.DeleteArchiveOutput, error) {
	c := lambda.CallerFrom(ctx)
	name := ownName{c.Account, c.Region, aws.ToString(in.ArchiveName)}
	s.writing.Lock()
	defer s.writing.Unlock()
	a, ok := s.index.archives[name]
	if !ok {
		return nil, noArchive(name.name)
	}
	for _, r := range s.index.replays {
		if r.Account == c.Account && r.Region == c.Region && r.Archive == name.name && active(r.State) {
			return nil, invalid("Archive %s has active replays.", name.name)
		}
	}
	if err := s.archives.Delete(ctx, name.record(), 0); err != nil {
		return nil, err
	}
	s.mu.Lock()
	delete(s.index.archives, name)
	if b, ok := s.index.buses[busKey{c.Account, c.Region, a.record.Bus}]; ok {
		b.archives.Delete(name.name)
	}
	s.mu.Unlock()
	// Nobody can see the events any more; what a crash leaves the next sweep finds.
	return &eb.DeleteArchiveOutput{}, s.dropKept(context.WithoutCancel(ctx), name, time.Time{})
}

func (s *Service) describeArchive(ctx context.Context, in *eb.DescribeArchiveInput) (*eb.DescribeArchiveOutput, error) {
	c := lambda.CallerFrom(ctx)
	name := ownName{c.Account, c.Region, aws.ToString(in.ArchiveName)}
	s.mu.RLock()
	a, ok := s.index.archives[name]
	var r archiveRecord
	if ok {
		r = a.record
	}
	s.mu.RUnlock()
	if !ok {
		return nil, noArchive(name.name)
	}
	count, size, err := s.count(ctx, name, a)
	if err != nil {
		return nil, err
	}
	return &eb.DescribeArchiveOutput{
		ArchiveArn: aws.String(archiveARN(c.Account, c.Region, r.Name)), ArchiveName: aws.String(r.Name),
		EventSourceArn: aws.String(busKey{c.Account, c.Region, r.Bus}.arn()), Description: filled(r.Description), EventPattern: filled(r.Pattern),
		RetentionDays: aws.Int32(r.Retention), CreationTime: moment(r.Created), State: types.ArchiveStateEnabled,
		EventCount: count, SizeBytes: size,
	}, nil
}

func (s *Service) listArchives(ctx context.Context, in *eb.ListArchivesInput) (*eb.ListArchivesOutput, error) {
	c := lambda.CallerFrom(ctx)
	s.mu.RLock()
	found := map[string]*archive{}
	records := map[string]archiveRecord{}
	var names []string
	for n, a := range s.index.archives {
		source := busKey{n.account, n.region, a.record.Bus}.arn()
		if n.account == c.Account && n.region == c.Region && strings.HasPrefix(n.name, aws.ToString(in.NamePrefix)) &&
			(in.EventSourceArn == nil || *in.EventSourceArn == source) && (in.State == "" || in.State == types.ArchiveStateEnabled) {
			names = append(names, n.name)
			found[n.name], records[n.name] = a, a.record
		}
	}
	s.mu.RUnlock()
	page, next, err := pageOf(names, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &eb.ListArchivesOutput{Archives: []types.Archive{}, NextToken: next}
	for _, name := range page {
		count, size, err := s.count(ctx, ownName{c.Account, c.Region, name}, found[name])
		if err != nil {
			return nil, err
		}
		r := records[name]
		out.Archives = append(out.Archives, types.Archive{
			ArchiveName: aws.String(name), EventSourceArn: aws.String(busKey{c.Account, c.Region, r.Bus}.arn()),
			RetentionDays: aws.Int32(r.Retention), CreationTime: moment(r.Created), State: types.ArchiveStateEnabled,
			EventCount: count, SizeBytes: size,
		})
	}
	return out, nil
}

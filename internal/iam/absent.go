package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/wire"
)

// absentOperations are about what a user never has here: there is no console to log
// in to and nothing that takes devices, certificates or keys for git. Tools that
// delete users ask for all of it first.
func (s *Service) absentOperations() []wire.Operation {
	return []wire.Operation{
		onUser(s, "GetLoginProfile", s.getLoginProfile, func(in *iam.GetLoginProfileInput) *string { return in.UserName }),
		onUser(s, "DeleteLoginProfile", s.deleteLoginProfile, func(in *iam.DeleteLoginProfileInput) *string { return in.UserName }),
		onUser(s, "ListMFADevices", s.listMFADevices, func(in *iam.ListMFADevicesInput) *string { return in.UserName }),
		onUser(s, "ListSSHPublicKeys", s.listSSHPublicKeys, func(in *iam.ListSSHPublicKeysInput) *string { return in.UserName }),
		onUser(s, "ListSigningCertificates", s.listSigningCertificates, func(in *iam.ListSigningCertificatesInput) *string { return in.UserName }),
		onUser(s, "ListServiceSpecificCredentials", s.listServiceSpecificCredentials, func(in *iam.ListServiceSpecificCredentialsInput) *string { return in.UserName }),
		wire.Op("ListVirtualMFADevices", s.listVirtualMFADevices, nil),
	}
}

// existing says whether the user that a request names exists.
func (s *Service) existing(ctx context.Context, name *string) error {
	_, _, err := s.owner(ctx, name)
	return err
}

func (s *Service) noLoginProfile(ctx context.Context, name *string) error {
	if err := s.existing(ctx, name); err != nil {
		return err
	}
	return lambda.Errorf(codeNoSuchEntity, "Login Profile for User %s cannot be found.", deref(name))
}

func (s *Service) getLoginProfile(ctx context.Context, in *iam.GetLoginProfileInput) (*iam.GetLoginProfileOutput, error) {
	return nil, s.noLoginProfile(ctx, in.UserName)
}

func (s *Service) deleteLoginProfile(ctx context.Context, in *iam.DeleteLoginProfileInput) (*iam.DeleteLoginProfileOutput, error) {
	return nil, s.noLoginProfile(ctx, in.UserName)
}

func (s *Service) listMFADevices(ctx context.Context, in *iam.ListMFADevicesInput) (*iam.ListMFADevicesOutput, error) {
	return &iam.ListMFADevicesOutput{MFADevices: []types.MFADevice{}}, s.existing(ctx, in.UserName)
}

func (s *Service) listSSHPublicKeys(ctx context.Context, in *iam.ListSSHPublicKeysInput) (*iam.ListSSHPublicKeysOutput, error) {
	return &iam.ListSSHPublicKeysOutput{SSHPublicKeys: []types.SSHPublicKeyMetadata{}}, s.existing(ctx, in.UserName)
}

func (s *Service) listSigningCertificates(ctx context.Context, in *iam.ListSigningCertificatesInput) (*iam.ListSigningCertificatesOutput, error) {
	return &iam.ListSigningCertificatesOutput{Certificates: []types.SigningCertificate{}}, s.existing(ctx, in.UserName)
}

func (s *Service) listServiceSpecificCredentials(ctx context.Context, in *iam.ListServiceSpecificCredentialsInput) (*iam.ListServiceSpecificCredentialsOutput, error) {
	return &iam.ListServiceSpecificCredentialsOutput{ServiceSpecificCredentials: []types.ServiceSpecificCredentialMetadata{}}, s.existing(ctx, in.UserName)
}

func (s *Service) listVirtualMFADevices(context.Context, *iam.ListVirtualMFADevicesInput) (*iam.ListVirtualMFADevicesOutput, error) {
	return &iam.ListVirtualMFADevicesOutput{VirtualMFADevices: []types.VirtualMFADevice{}}, nil
}

package sim

import (
	"testing"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"
)

// The official client reads and writes settings, policies and federations; what it wrote
// it reads back.
func TestSDKGoverned(t *testing.T) {
	w := startWorld(t, governed)
	client, ctx, org := w.sdk(bearerTransport{w.Transport(), w.token(ownerID)}), t.Context(), w.OrgID("ExampleCorp")

	settings, _, err := client.OrganizationsApi.GetOrgSettings(ctx, org).Execute()
	if err != nil || !settings.GetMultiFactorAuthRequired() || settings.GetMaxServiceAccountSecretValidityInHours() != 24 {
		t.Fatalf("settings: %+v, %v", settings, err)
	}
	settings.RestrictEmployeeAccess = admin.PtrBool(true)
	settings, _, err = client.OrganizationsApi.UpdateOrgSettings(ctx, org, settings).Execute()
	if err != nil || !settings.GetRestrictEmployeeAccess() || settings.GetSecurityContact() != "sec@example.com" {
		t.Errorf("settings: %+v, %v", settings, err)
	}

	made, _, err := client.ResourcePoliciesApi.CreateOrgResourcePolicy(ctx, org, &admin.ApiAtlasResourcePolicyCreate{Name: "p", Policies: []admin.ApiAtlasPolicyCreate{{Body: noWildcard}}}).Execute()
	if err != nil || made.GetVersion() != "v1" || made.GetPolicies()[0].GetBody() != noWildcard {
		t.Fatalf("policy: %+v, %v", made, err)
	}
	if _, err := client.ResourcePoliciesApi.DeleteOrgResourcePolicy(ctx, org, made.GetId()).Execute(); err != nil {
		t.Error(err)
	}

	federation := client.FederatedAuthenticationApi
	found, _, err := federation.GetFederationSettings(ctx, org).Execute()
	if err != nil || found.GetIdentityProviderStatus() != "ACTIVE" {
		t.Fatalf("federation: %+v, %v", found, err)
	}
	config, _, err := federation.GetConnectedOrgConfig(ctx, found.GetId(), org).Execute()
	if err != nil || config.GetIdentityProviderId() != found.GetIdentityProviderId() || len(config.GetRoleMappings()) != 1 {
		t.Fatalf("connected organisation: %+v, %v", config, err)
	}
	effects := len(w.Effects())
	if _, _, err := federation.UpdateConnectedOrgConfig(ctx, found.GetId(), org, config).Execute(); err != nil || len(w.Effects()) != effects {
		t.Errorf("read, modified by nothing, written: %v, %d effects", err, len(w.Effects())-effects)
	}
	all, _, err := federation.ListIdentityProviders(ctx, found.GetId()).Protocol([]string{"SAML", "OIDC"}).IdpType([]string{"WORKFORCE", "WORKLOAD"}).Execute()
	if err != nil || len(all.GetResults()) != 3 || all.GetResults()[1].GetClientId() != "c" || len(all.GetResults()[0].GetAssociatedOrgs()) != 2 {
		t.Errorf("identity providers: %+v, %v", all, err)
	}
}

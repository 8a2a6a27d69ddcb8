package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// CloudAccessRole is an identity in the customer's cloud (AWS, Azure) or one of Atlas's
// that the customer trusts (GCP). RoleID is what the API calls _id for Azure.
type CloudAccessRole struct {
	ProviderName               string           `yaml:"providerName" json:"providerName"`
	RoleID                     string           `yaml:"roleId,omitempty" json:"roleId"`
	CreatedDate                *time.Time       `yaml:"createdDate,omitempty" json:"createdDate,omitempty"`
	FeatureUsages              []map[string]any `yaml:"featureUsages,omitempty" json:"featureUsages,omitempty"`
	AtlasAWSAccountARN         string           `yaml:"atlasAWSAccountArn,omitempty" json:"atlasAWSAccountArn,omitempty"` // AWS
	AtlasAssumedRoleExternalID string           `yaml:"atlasAssumedRoleExternalId,omitempty" json:"atlasAssumedRoleExternalId,omitempty"`
	IAMAssumedRoleARN          string           `yaml:"iamAssumedRoleArn,omitempty" json:"iamAssumedRoleArn,omitempty"`
	AuthorizedDate             *time.Time       `yaml:"authorizedDate,omitempty" json:"authorizedDate,omitempty"`
	AtlasAzureAppID            string           `yaml:"atlasAzureAppId,omitempty" json:"atlasAzureAppId,omitempty"` // Azure
	ServicePrincipalID         string           `yaml:"servicePrincipalId,omitempty" json:"servicePrincipalId,omitempty"`
	TenantID                   string           `yaml:"tenantId,omitempty" json:"tenantId,omitempty"`
	LastUpdatedDate            *time.Time       `yaml:"lastUpdatedDate,omitempty" json:"lastUpdatedDate,omitempty"`
	GCPServiceAccountForAtlas  string           `yaml:"gcpServiceAccountForAtlas,omitempty" json:"gcpServiceAccountForAtlas,omitempty"` // GCP
	Status                     string           `yaml:"status,omitempty" json:"status,omitempty"`
}

type cloudRole struct {
	CloudAccessRole
	timed
}

// atlasAccount stands for the AWS account that Atlas acts from.
const atlasAccount = "arn:aws:iam::123456789012:root"

var (
	iamRole   = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$`)
	uuidShape = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// cloudRoleStages: Atlas makes a GCP service account; the others have no status.
func cloudRoleStages() stages { return stages{"IN_PROGRESS": {"COMPLETE", acceptTakes}} }

func (r *cloudRole) world() CloudAccessRole {
	w := deep(r.CloudAccessRole)
	w.Status = r.state
	return w
}

func (r *cloudRole) target() string { return "cloud provider access role " + r.RoleID }

// event is the provider's name of an event.
func (r *cloudRole) event(what string) string {
	kind := map[string]string{"AWS": "AWS_IAM_ROLE_", "AZURE": "AZURE_SERVICE_PRINCIPAL_", "GCP": "GCP_SERVICE_ACCOUNT_"}
	return "CLOUD_PROVIDER_ACCESS_" + kind[r.ProviderName] + what
}

func (a *Atlas) buildCloudRoles(p *project, all []CloudAccessRole) error {
	for i, w := range all {
		if _, bad := oneProvider(w.ProviderName, "AWS", "AZURE", "GCP"); bad != nil {
			return fmt.Errorf("cloud provider access role %d: %s", i, bad.detail)
		}
		w.RoleID = orDefault(w.RoleID, a.derive("cloud role", p.id, fmt.Sprint(i))[:24])
		if !isID(w.RoleID) || p.cloudRole(w.RoleID) != nil {
			return fmt.Errorf("cloud provider access role %d: its id is malformed or there twice", i)
		}
		if w.CreatedDate == nil {
			w.CreatedDate = &p.created
		}
		if w.IAMAssumedRoleARN != "" && w.AuthorizedDate == nil {
			w.AuthorizedDate = w.CreatedDate
		}
		state := ""
		if w.ProviderName == "GCP" {
			var err error
			if state, err = cloudRoleStages().state(w.Status, "COMPLETE", "FAILED", "NOT_INITIATED"); err != nil {
				return fmt.Errorf("cloud provider access role %d: %w", i, err)
			}
		}
		a.newCloudRole(p, deep(w), state, a.now())
	}
	return nil
}

func (a *Atlas) newCloudRole(p *project, w CloudAccessRole, state string, at time.Time) *cloudRole {
	digest := a.derive("cloud role", w.RoleID)
	switch w.ProviderName {
	case "AWS":
		w.AtlasAWSAccountARN = orDefault(w.AtlasAWSAccountARN, atlasAccount)
		w.AtlasAssumedRoleExternalID = orDefault(w.AtlasAssumedRoleExternalID, uuidOf(digest))
	case "AZURE":
		w.AtlasAzureAppID = orDefault(w.AtlasAzureAppID, uuidOf(digest))
		if w.LastUpdatedDate == nil {
			w.LastUpdatedDate = w.CreatedDate
		}
	case "GCP":
		w.GCPServiceAccountForAtlas = orDefault(w.GCPServiceAccountForAtlas,
			fmt.Sprintf("mongodb-atlas-%s@p-%s.iam.gserviceaccount.com", digest[:16], letters(digest[16:40])))
	}
	r := &cloudRole{CloudAccessRole: w}
	a.enter(p, &r.timed, state, at, cloudRoleStages())
	p.cloudRoles = append(p.cloudRoles, r)
	return r
}

func (p *project) cloudRole(id string) *cloudRole {
	for _, r := range p.cloudRoles {
		if r.RoleID == id {
			return r
		}
	}
	return nil
}

// cloudRoleView has null for what an AWS role does not have before it is authorised, as
// the recorded answers do.
func cloudRoleView(r *cloudRole) any {
	out := asDocument(r.world())
	out["featureUsages"] = []any{}
	if r.FeatureUsages != nil {
		out["featureUsages"] = r.FeatureUsages
	}
	switch r.ProviderName {
	case "AWS":
		out["iamAssumedRoleArn"], out["authorizedDate"] = orNull(r.IAMAssumedRoleARN), nil
		if r.AuthorizedDate != nil {
			out["authorizedDate"] = r.AuthorizedDate
		}
	case "AZURE":
		out["_id"] = r.RoleID
		delete(out, "roleId")
	case "GCP":
		if r.state != "COMPLETE" {
			delete(out, "gcpServiceAccountForAtlas")
		}
	}
	return out
}

func (c *call) listCloudRoles() (answer, *problem) {
	out := object{"awsIamRoles": []any{}, "azureServicePrincipals": []any{}, "gcpServiceAccounts": []any{}}
	list := map[string]string{"AWS": "awsIamRoles", "AZURE": "azureServicePrincipals", "GCP": "gcpServiceAccounts"}
	for _, r := range c.project.cloudRoles {
		key := list[r.ProviderName]
		out[key] = append(out[key].([]any), cloudRoleView(r))
	}
	return ok(out)
}

// findCloudRole finds the role in the path, of the provider in the path if it has one.
func (c *call) findCloudRole() (*cloudRole, *problem) {
	provider, named := c.params["cloudProvider"]
	if named {
		if _, bad := c.pathProvider("AWS", "AZURE", "GCP"); bad != nil {
			return nil, bad
		}
	}
	id, bad := c.pathID("roleId")
	if bad != nil {
		return nil, bad
	}
	r := c.project.cloudRole(id)
	if r == nil || named && r.ProviderName != provider {
		return nil, missing("CLOUD_PROVIDER_ACCESS_ROLE_NOT_FOUND", "No cloud provider access role with ID %s exists.", id)
	}
	return r, nil
}

func (c *call) getCloudRole() (answer, *problem) {
	r, bad := c.findCloudRole()
	if bad != nil {
		return answer{}, bad
	}
	return ok(cloudRoleView(r))
}

// cloudRoleRequest is the body of both writes, with the read-only attributes of the
// answers, which are ignored. The document's union is not resolved for the PATCH.
type cloudRoleRequest struct {
	ProviderName       string `json:"providerName"`
	IAMAssumedRoleARN  string `json:"iamAssumedRoleArn"`
	AtlasAzureAppID    string `json:"atlasAzureAppId"`
	ServicePrincipalID string `json:"servicePrincipalId"`
	TenantID           string `json:"tenantId"`

	ID              json.RawMessage `json:"_id"`
	RoleID          json.RawMessage `json:"roleId"`
	Account         json.RawMessage `json:"atlasAWSAccountArn"`
	ExternalID      json.RawMessage `json:"atlasAssumedRoleExternalId"`
	AuthorizedDate  json.RawMessage `json:"authorizedDate"`
	CreatedDate     json.RawMessage `json:"createdDate"`
	LastUpdatedDate json.RawMessage `json:"lastUpdatedDate"`
	FeatureUsages   json.RawMessage `json:"featureUsages"`
	ServiceAccount  json.RawMessage `json:"gcpServiceAccountForAtlas"`
	Status          json.RawMessage `json:"status"`
}

func (c *call) cloudRoleRequest() (in cloudRoleRequest, bad *problem) {
	if bad := c.decode(&in); bad != nil {
		return in, bad
	}
	if in.ProviderName == "" {
		return in, missingAttribute("providerName")
	}
	if _, bad := oneProvider(in.ProviderName, "AWS", "AZURE", "GCP"); bad != nil {
		return in, bad
	}
	for name, value := range map[string]string{
		"atlasAzureAppId": in.AtlasAzureAppID, "servicePrincipalId": in.ServicePrincipalID, "tenantId": in.TenantID,
	} {
		if value != "" && !uuidShape.MatchString(value) {
			return in, invalidField(name, "must be a UUID")
		}
	}
	return in, nil
}

// createCloudRole makes a role that is not authorised yet. An Azure one needs its
// principal and tenant (a guess: the document does not require them).
func (c *call) createCloudRole() (answer, *problem) {
	in, bad := c.cloudRoleRequest()
	if bad != nil {
		return answer{}, bad
	}
	created := c.at.Truncate(time.Second)
	w := CloudAccessRole{ProviderName: in.ProviderName, CreatedDate: &created}
	state := ""
	switch in.ProviderName {
	case "AZURE":
		if in.ServicePrincipalID == "" {
			return answer{}, missingAttribute("servicePrincipalId")
		}
		if in.TenantID == "" {
			return answer{}, missingAttribute("tenantId")
		}
		w.AtlasAzureAppID, w.ServicePrincipalID, w.TenantID = in.AtlasAzureAppID, in.ServicePrincipalID, in.TenantID
	case "GCP":
		state = "IN_PROGRESS"
	}
	w.RoleID = c.a.nextID("cloud role")
	r := c.a.newCloudRole(c.project, w, state, c.at)
	c.effect(r.target(), "", text(r.world()))
	c.projectEvent(r.event("ADDED"), nil)
	return ok(cloudRoleView(r))
}

// authorizeCloudRole says who the role is in the customer's cloud.
func (c *call) authorizeCloudRole() (answer, *problem) {
	r, bad := c.findCloudRole()
	if bad != nil {
		return answer{}, bad
	}
	in, bad := c.cloudRoleRequest()
	if bad != nil {
		return answer{}, bad
	}
	if in.ProviderName != r.ProviderName {
		return answer{}, otherProvider("providerName")
	}
	before, now := r.world(), c.at.Truncate(time.Second)
	switch r.ProviderName {
	case "AWS":
		if bad := checkIAMRole(in.IAMAssumedRoleARN); bad != nil {
			return answer{}, bad
		}
		if r.IAMAssumedRoleARN != in.IAMAssumedRoleARN {
			r.IAMAssumedRoleARN, r.AuthorizedDate = in.IAMAssumedRoleARN, &now
		}
	case "AZURE":
		r.AtlasAzureAppID = orDefault(in.AtlasAzureAppID, r.AtlasAzureAppID)
		r.ServicePrincipalID = orDefault(in.ServicePrincipalID, r.ServicePrincipalID)
		r.TenantID = orDefault(in.TenantID, r.TenantID)
		if text(r.world()) != text(before) {
			r.LastUpdatedDate = &now
		}
	}
	if after := text(r.world()); after != text(before) {
		c.effect(r.target(), text(before), after)
		c.projectEvent(r.event("UPDATED"), nil)
	}
	return ok(cloudRoleView(r))
}

func checkIAMRole(arn string) *problem {
	switch {
	case arn == "":
		return missingAttribute("iamAssumedRoleArn")
	case len(arn) < 20 || len(arn) > 2048 || !iamRole.MatchString(arn):
		return invalidField("iamAssumedRoleArn", "must be the ARN of an IAM role, of 20 to 2048 characters")
	}
	return nil
}

// deauthorizeCloudRole removes a role that no feature uses (the code is a guess).
func (c *call) deauthorizeCloudRole() (answer, *problem) {
	r, bad := c.findCloudRole()
	if bad != nil {
		return answer{}, bad
	}
	if len(r.FeatureUsages) > 0 {
		return answer{}, conflict("CLOUD_PROVIDER_ACCESS_ROLE_IN_USE", "The cloud provider access role %s is in use.", r.RoleID)
	}
	c.project.cloudRoles = slices.DeleteFunc(c.project.cloudRoles, func(x *cloudRole) bool { return x == r })
	c.effect(r.target(), text(r.world()), "")
	c.projectEvent(r.event("DELETED"), nil)
	return empty(http.StatusNoContent)
}

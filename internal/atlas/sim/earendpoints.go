package sim

// Private endpoints of encryption at rest: towards AWS KMS or Azure Key Vault. Atlas
// wants encryption at rest with private networking before it makes one; encryption at
// rest is not simulated, so that is taken to be there.

func (c *call) listEAREndpoints() (answer, *problem)  { return c.listOutbound(earEndpoint) }
func (c *call) createEAREndpoint() (answer, *problem) { return c.createOutbound(earEndpoint) }
func (c *call) getEAREndpoint() (answer, *problem)    { return c.getOutbound(earEndpoint) }
func (c *call) deleteEAREndpoint() (answer, *problem) { return c.deleteOutbound(earEndpoint) }

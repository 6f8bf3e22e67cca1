//! What people do: make, approve and execute plans, stop and resume executions, freeze, move devices.

use fleetward_core::engine::Command;
use fleetward_server::api::types::{
    ApproveRequest, DeviceChange, ExecuteRequest, NewDeviceRequest, NewFreezeRequest, PlanRequest,
};
use fleetward_server::app::AppError;
use serde::Serialize;
use serde_json::Value;

use crate::process::{Process, ready};

/// A request that somebody makes.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Plan(Box<PlanRequest>),
    Approve(String),
    Execute(String),
    Command(String, Command),
    Freeze(NewFreezeRequest),
    Lift(String),
    Move(String, DeviceChange),
    Add(NewDeviceRequest),
}

impl Request {
    /// What it is, without names that are different in every run.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Plan(request) => format!("make {}", request.name),
            Self::Approve(_) => "approve".to_owned(),
            Self::Execute(_) => "execute".to_owned(),
            Self::Command(_, command) => format!("{command:?}"),
            Self::Freeze(request) => {
                format!("freeze {:?} until {:?}", request.environment, request.until)
            }
            Self::Lift(_) => "lift".to_owned(),
            Self::Move(device, change) => format!("move {device}: {change:?}"),
            Self::Add(request) => format!("add {}", request.device_id),
        }
    }

    /// The audit entry that it leaves, where it changes something.
    pub(crate) const fn audited(&self) -> &'static str {
        match self {
            Self::Plan(_) => "plan.create",
            Self::Approve(_) => "plan.approve",
            Self::Execute(_) => "execution.start",
            Self::Command(_, Command::Pause) => "execution.pause",
            Self::Command(_, Command::Resume) => "execution.resume",
            Self::Command(_, Command::Cancel) => "execution.cancel",
            Self::Command(_, Command::Rollback) => "execution.rollback",
            Self::Freeze(_) => "freeze.set",
            Self::Lift(_) => "freeze.lift",
            Self::Move(..) => "device.change",
            Self::Add(_) => "device.add",
        }
    }

    /// Whether it may change nothing and leave no entry.
    pub(crate) const fn may_be_needless(&self) -> bool {
        matches!(self, Self::Lift(_) | Self::Approve(_))
    }

    pub(crate) fn make(&self, process: &Process, key: Option<&str>) -> Result<Value, AppError> {
        let (app, call) = (&process.app, process.call(key));
        match self.clone() {
            Self::Plan(request) => ready(app.create_plan(&call, *request)).map(json),
            Self::Approve(plan) => {
                ready(app.approve_plan(&call, plan, ApproveRequest::default())).map(json)
            }
            Self::Execute(plan_id) => {
                let request = ExecuteRequest {
                    plan_id,
                    ..ExecuteRequest::default()
                };
                ready(app.execute(&call, request)).map(json)
            }
            Self::Command(id, command) => {
                ready(app.command_execution(&call, id, command, None)).map(json)
            }
            Self::Freeze(request) => ready(app.set_freeze(&call, request)).map(json),
            Self::Lift(id) => ready(app.lift_freeze(&call, id)).map(json),
            Self::Move(device, change) => ready(app.change_device(&call, device, change)).map(json),
            Self::Add(request) => ready(app.add_device(&call, request)).map(json),
        }
    }
}

fn json(answer: impl Serialize) -> Value {
    serde_json::to_value(answer).expect("an answer is JSON")
}
